//! What the parsers and encoders of `comet-wire` promise, told from outside.
