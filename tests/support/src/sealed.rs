//! Keys for encrypted tokens. All are published examples, so they protect nothing.

/// A private key for ECDH-ES on P-256 (RFC 7518 appendix C: Bob's).
pub const DECRYPTION_KEY: &str = r#"{"kty":"EC","crv":"P-256","use":"enc","kid":"sealed-1",
"x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
"d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;

/// Another public key (there: Alice's).
pub const OTHER_KEY: &str = r#"{"kty":"EC","crv":"P-256",
"x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}"#;

/// A shared key of 256 bits (RFC 7520 §3.5).
pub const SHARED_KEY: &str = r#"{"kty":"oct","kid":"shared-1",
"k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;
