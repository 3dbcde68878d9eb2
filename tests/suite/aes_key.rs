//! Kerberos's aes256-cts-hmac-sha1-96 (RFC 3962), as far as a forger needs it.

use aes::Aes256;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use sha1::Sha1;

const BLOCK: usize = 16;
const MAC: usize = 12;

#[derive(Clone)]
pub struct Key(pub [u8; 32]);

impl Key {
    pub fn random() -> Self {
        Self(random())
    }

    /// Encrypts with a fresh confounder, for this key usage (RFC 3961 section 5.3).
    pub fn encrypt(&self, usage: u32, plaintext: &[u8]) -> Vec<u8> {
        let confounder: [u8; BLOCK] = random();
        let plaintext = [&confounder, plaintext].concat();
        let mut encrypted = cts(&self.derive(usage, 0xaa), &plaintext);
        encrypted.extend(self.derive(usage, 0x55).mac(&plaintext));
        encrypted
    }

    /// What [`encrypt`](Self::encrypt) was given.
    pub fn decrypt(&self, usage: u32, encrypted: &[u8]) -> Vec<u8> {
        let (encrypted, mac) = encrypted.split_last_chunk::<MAC>().expect("a MAC");
        let plaintext = undo_cts(&self.derive(usage, 0xaa), encrypted);
        let expected = self.derive(usage, 0x55).mac(&plaintext);
        assert_eq!(*mac, expected, "another key");
        plaintext[BLOCK..].to_vec()
    }

    /// hmac-sha1-96-aes256 for this key usage (RFC 3961 section 5.4).
    pub fn checksum(&self, usage: u32, data: &[u8]) -> [u8; MAC] {
        self.derive(usage, 0x99).mac(data)
    }

    /// HMAC-SHA1, cut to 96 bits.
    fn mac(&self, data: &[u8]) -> [u8; MAC] {
        let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(&self.0).expect("any length");
        mac.update(data);
        let whole = mac.finalize().into_bytes();
        *whole.first_chunk().expect("longer")
    }

    /// RFC 3961 section 5.1.
    fn derive(&self, usage: u32, purpose: u8) -> Self {
        let [a, b, c, d] = usage.to_be_bytes();
        let aes = self.aes();
        let mut block = n_fold([a, b, c, d, purpose]);
        let mut derived = [0; 32];
        for half in derived.chunks_exact_mut(BLOCK) {
            aes.encrypt_block((&mut block).into());
            half.copy_from_slice(&block);
        }
        Self(derived)
    }

    fn aes(&self) -> Aes256 {
        Aes256::new(&self.0.into())
    }
}

/// CBC with ciphertext stealing and no IV, for more than one block: the last two blocks change
/// places, and the last is cut to what is left of the plaintext (RFC 3962 section 5).
fn cts(key: &Key, plaintext: &[u8]) -> Vec<u8> {
    let aes = key.aes();
    let mut previous = [0; BLOCK];
    let mut blocks = Vec::new();
    for chunk in plaintext.chunks(BLOCK) {
        for (byte, plain) in previous.iter_mut().zip(chunk) {
            *byte ^= plain;
        }
        aes.encrypt_block((&mut previous).into());
        blocks.push(previous);
    }
    let last = blocks.len() - 1;
    blocks.swap(last, last - 1);
    let mut encrypted = blocks.concat();
    encrypted.truncate(plaintext.len());
    encrypted
}

/// What [`cts`] was given.
fn undo_cts(key: &Key, encrypted: &[u8]) -> Vec<u8> {
    let aes = key.aes();
    let decrypt = |block: &[u8]| {
        let mut block = <[u8; BLOCK]>::try_from(block).expect("a block");
        aes.decrypt_block((&mut block).into());
        block
    };
    let mut blocks: Vec<_> = encrypted.chunks(BLOCK).map(<[u8]>::to_vec).collect();
    let last = blocks.len() - 1;
    // What was cut off of the last but one stands behind the plaintext's end.
    let behind = decrypt(&blocks[last - 1])[blocks[last].len()..].to_vec();
    blocks[last].extend(behind);
    blocks.swap(last, last - 1);
    let mut previous = vec![0; BLOCK];
    let mut plaintext = Vec::new();
    for block in blocks {
        let decrypted = decrypt(&block).into_iter().zip(previous);
        plaintext.extend(decrypted.map(|(byte, previous)| byte ^ previous));
        previous = block;
    }
    plaintext.truncate(encrypted.len());
    plaintext
}

/// Stretches a key derivation's constant to a block (RFC 3961 section 5.1): copies of it, each
/// turned by 13 bits more, are cut into blocks, and these are added in ones' complement.
fn n_fold(constant: [u8; 5]) -> [u8; BLOCK] {
    const BITS: usize = 5 * 8;
    let [a, b, c, d, e] = constant;
    let constant = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    let copies: Vec<u8> = (0..BLOCK)
        .flat_map(|copy| {
            let turn = copy * 13 % BITS;
            let turned = constant >> turn | constant << (BITS - turn);
            turned.to_be_bytes().into_iter().skip(3)
        })
        .collect();
    let blocks = copies.chunks_exact(BLOCK).map(|block| {
        let block = block.try_into().expect("a block");
        u128::from_be_bytes(block)
    });
    blocks
        .fold(0, |sum: u128, block| {
            let (sum, carry) = sum.overflowing_add(block);
            sum + u128::from(carry)
        })
        .to_be_bytes()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let count = getrandom(&mut bytes, GetRandomFlags::empty()).expect("random bytes");
    assert_eq!(count, N);
    bytes
}
