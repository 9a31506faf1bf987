//! What stands for codecs that are not built in: types that nobody can construct.
//!
//! With them the encoder and the decoder look the same in every build.

use std::{
    convert::Infallible,
    io::{self, Read, Write},
    marker::PhantomData,
};

use super::{Decode, Encode};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = Missing<W>;
pub(in crate::codec) type Decoder<R> = Missing<R>;

pub(in crate::codec) struct Missing<T>(Infallible, PhantomData<T>);

impl<W: Write> Encode<W> for Missing<W> {
    fn start(_: i32, _: W) -> Result<Self, String> {
        Err(NOT_BUILT_IN.to_owned())
    }

    fn finish(self) -> io::Result<W> {
        match self.0 {}
    }
}

impl<R: Read> Decode<R> for Missing<R> {
    fn start(_: Input<R>) -> Result<Self, String> {
        Err(NOT_BUILT_IN.to_owned())
    }

    fn input(&mut self) -> &mut Input<R> {
        match self.0 {}
    }
}

impl<W> Write for Missing<W> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0 {}
    }
}

impl<R> Read for Missing<R> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }
}

/// Nobody sees it: `Codec::require` has refused the codec before.
const NOT_BUILT_IN: &str = "it is not built in";
