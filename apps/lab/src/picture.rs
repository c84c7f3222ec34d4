//! The counter as a picture, for an image element that is shown one after the other.
//!
//! Drawn with two colours and written as GIF without compression, so that no library is needed. Below the figures stands a
//! row of dots that tells number and time to a page that looks. Who publishes it is `counter`; nothing is read here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::counter::Tick;

/// Where the pictures are published.
pub const PICTURES: &str = "/lab/picture";

const WIDTH: usize = 96;
const HEIGHT: usize = 20;
/// Eight figures of twice their five dots by seven, with room between them.
const FIGURES: usize = 8;
const TWICE: usize = 2;
const STEP: usize = WIDTH / FIGURES;
/// The dots stand in the last two rows: 32 of the number, 48 of the time, from the left, the highest first.
const DOTS: u32 = 80;
const DOTS_FROM: usize = HEIGHT - 2;

/// Five dots by seven for each figure, a row in five bits.
const SHAPES: [[u8; 7]; 10] = [
    [14, 17, 19, 21, 25, 17, 14],
    [4, 12, 4, 4, 4, 4, 14],
    [14, 17, 1, 2, 4, 8, 31],
    [31, 2, 4, 2, 1, 17, 14],
    [2, 6, 10, 18, 31, 2, 2],
    [31, 16, 30, 1, 1, 17, 14],
    [6, 8, 16, 30, 17, 17, 14],
    [31, 1, 2, 4, 8, 8, 8],
    [14, 17, 17, 14, 17, 17, 14],
    [14, 17, 17, 15, 1, 2, 12],
];

/// The palette: paper and ink.
const COLOURS: [[u8; 3]; 2] = [[255, 255, 255], [29, 78, 216]];
/// Codes have eight bits as long as there are few of them: colours below, then the word to forget all, then the end.
const CODE_BITS: u8 = 7;
const FORGET: u8 = 1 << CODE_BITS;
/// So many colours go into one block before the reader has to forget, else its codes would grow.
const BLOCK: usize = 100;

/// What is published for a number: the picture as `/images` wants it.
pub(crate) fn data(tick: Tick) -> Value {
    json!({ "image": STANDARD.encode(gif(&draw(tick))), "type": "image/gif" })
}

fn draw(tick: Tick) -> Vec<u8> {
    let mut dots = vec![0; WIDTH * HEIGHT];
    let figures = tick.number.to_string();
    for (place, figure) in figures.bytes().rev().take(FIGURES).enumerate() {
        let left = WIDTH - (place + 1) * STEP + 1;
        for (row, bits) in SHAPES[usize::from(figure - b'0')].iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    dots[(1 + row * TWICE + down) * WIDTH + left + column * TWICE + right] = 1;
                }
            }
        }
    }
    let told = u128::from(tick.number as u32) << 48 | u128::from(tick.at_ms & 0xffff_ffff_ffff);
    for dot in 0..DOTS {
        let ink = (told >> (DOTS - 1 - dot) & 1) as u8;
        for row in DOTS_FROM..HEIGHT {
            dots[row * WIDTH + dot as usize] = ink;
        }
    }
    dots
}

/// A GIF of these dots.
fn gif(dots: &[u8]) -> Vec<u8> {
    let [width, height] = [(WIDTH as u16).to_le_bytes(), (HEIGHT as u16).to_le_bytes()];
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend([width, height].as_flattened());
    // A palette of two, no background, square dots.
    bytes.extend([0x80, 0, 0]);
    bytes.extend(COLOURS.as_flattened());
    // One picture that fills it, at the corner, in the order of its rows.
    bytes.extend([0x2c, 0, 0, 0, 0]);
    bytes.extend([width, height].as_flattened());
    bytes.extend([0, CODE_BITS]);
    for block in dots.chunks(BLOCK) {
        bytes.extend([block.len() as u8 + 1, FORGET]);
        bytes.extend(block);
    }
    bytes.extend([1, FORGET + 1, 0, 0x3b]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dots_below_tell_number_and_time() {
        let dots = draw(Tick { number: 0x8000_0001, at_ms: 0x0123_4567_89ab });
        let row = &dots[DOTS_FROM * WIDTH..][..DOTS as usize];
        let told = row.iter().fold(0_u128, |told, dot| told << 1 | u128::from(*dot));
        assert_eq!(told, 0x8000_0001_0123_4567_89ab);
        assert_eq!(row, &dots[(HEIGHT - 1) * WIDTH..][..DOTS as usize]);
    }

    #[test]
    fn every_block_of_a_picture_has_the_length_it_says() {
        let picture = gif(&draw(Tick { number: 1_234_567_890, at_ms: u64::MAX }));
        let mut rest = &picture[30..];
        let mut dots = 0;
        while let [length, body @ ..] = rest
            && *length > 0
        {
            let (block, behind) = body.split_at(usize::from(*length));
            assert!(block[0] >= FORGET && block[1..].iter().all(|dot| *dot < 2));
            dots += block.len() - 1;
            rest = behind;
        }
        assert_eq!((dots, rest), (WIDTH * HEIGHT, &[0, 0x3b][..]));
    }
}
