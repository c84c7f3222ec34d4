import flash.Lib;
import flash.events.DataEvent;
import flash.events.Event;
import flash.events.IOErrorEvent;
import flash.events.SecurityErrorEvent;
import flash.external.ExternalInterface;
import flash.net.XMLSocket;

/**
	The bridge between a page and XMLSockets. The page opens sockets by numbers of its own, sends text and closes; what happens to
	them is told by fscommand, which works where a page forbids code made of text. It draws nothing and knows no protocol.

	To the page: `ready`; `open`, `data`, `end` and `fail`, each with the number of the socket, and behind a blank the text that
	came.
**/
class Bridge {
	static final sockets = new Map<Int, XMLSocket>();

	static function main() {
		// Keeps exceptions from ending the movie in a dialogue of the player.
		Lib.current.loaderInfo.uncaughtErrorEvents.addEventListener("uncaughtError", function(event) event.preventDefault());
		ExternalInterface.addCallback("open", open);
		ExternalInterface.addCallback("send", send);
		ExternalInterface.addCallback("close", close);
		Lib.fscommand("ready", "");
	}

	static function open(number:Int, host:String, port:Int) {
		var socket = new XMLSocket();
		sockets.set(number, socket);
		socket.addEventListener(Event.CONNECT, function(_) tell("open", number));
		socket.addEventListener(DataEvent.DATA, function(event:DataEvent) tell("data", number, event.data));
		socket.addEventListener(Event.CLOSE, function(_) forget("end", number));
		socket.addEventListener(IOErrorEvent.IO_ERROR, function(_) forget("fail", number));
		socket.addEventListener(SecurityErrorEvent.SECURITY_ERROR, function(_) forget("fail", number));
		try {
			socket.connect(host, port);
		} catch (_:Dynamic) {
			forget("fail", number);
		}
	}

	static function send(number:Int, text:String) {
		var socket = sockets.get(number);
		try {
			if (socket != null)
				socket.send(text);
		} catch (_:Dynamic) {
			forget("fail", number);
		}
	}

	/** The page does not want to hear of this one again. **/
	static function close(number:Int) {
		var socket = sockets.get(number);
		sockets.remove(number);
		try {
			if (socket != null)
				socket.close();
		} catch (_:Dynamic) {}
	}

	static function forget(what:String, number:Int) {
		if (sockets.remove(number))
			tell(what, number);
	}

	static function tell(what:String, number:Int, text = "") {
		if (what == "end" || what == "fail" || sockets.exists(number))
			Lib.fscommand(what, '$number $text');
	}
}
