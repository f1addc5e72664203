//! Encrypted tokens of any form (RFC 7516), and the keys that they are encrypted to.
//!
//! They are composed from the library's primitives: nothing of Watchword's own encryption is in
//! them, so that one fault cannot hide in both. It makes what no honest sender would, too: any
//! header, and any bytes in each segment.

mod content;
mod recipient;

use serde_json::Value;

pub use content::{ContentCipher, encrypt_blocks};
pub use recipient::Recipient;

use crate::mint::{b64, witness};

/// A token that is still to be sealed: its header, its content key, and what carries the key.
#[derive(Clone)]
pub struct Envelope {
    pub header: Value,
    pub cipher: ContentCipher,
    pub content_key: Vec<u8>,
    pub encrypted_key: Vec<u8>,
}

/// The five segments of a token, before they are encoded.
#[derive(Clone)]
pub struct RawJwe {
    /// JSON or not.
    pub header: String,
    pub encrypted_key: Vec<u8>,
    pub iv: Vec<u8>,
    pub ciphertext: Vec<u8>,
    pub tag: Vec<u8>,
}

impl Envelope {
    /// The same with another member in the header, which is authenticated like all others.
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// The same without a member of the header.
    pub fn without(mut self, name: &str) -> Self {
        self.header.as_object_mut().expect("an object").remove(name);
        self
    }

    /// The token of this content.
    pub fn seal(&self, content: impl AsRef<[u8]>) -> String {
        self.sealed(content).token()
    }

    /// The segments of this content.
    pub fn sealed(&self, content: impl AsRef<[u8]>) -> RawJwe {
        let header = self.header.to_string();
        let iv = self.cipher.new_iv();
        let header_segment = b64(header.as_bytes());
        let (ciphertext, tag) =
            self.cipher
                .seal(&self.content_key, &iv, &header_segment, content.as_ref());
        RawJwe {
            header,
            encrypted_key: self.encrypted_key.clone(),
            iv,
            ciphertext,
            tag,
        }
    }
}

impl RawJwe {
    /// The compact form.
    pub fn token(&self) -> String {
        let segments = [
            self.header.as_bytes(),
            &self.encrypted_key,
            &self.iv,
            &self.ciphertext,
            &self.tag,
        ];
        let token = segments.map(b64).join(".");
        witness(&token);
        token
    }

    /// The same with a MAC that is right for its segments, whatever they are.
    pub fn with_mac(mut self, content_key: &[u8]) -> Self {
        let header = b64(self.header.as_bytes());
        self.tag = content::mac(content_key, &self.iv, &header, &self.ciphertext);
        self
    }
}
