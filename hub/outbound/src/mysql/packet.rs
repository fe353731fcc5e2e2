//! The packets of a login at MySQL and MariaDB, as the client/server protocol's public descriptions have them (protocol 10,
//! `HandshakeResponse41`, `AuthSwitchRequest`), and what a password becomes in them.

use hub_crypto::{Digest, digest};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A login speaks in short packets; whoever sends a longer one speaks something else.
const LONGEST: usize = 4_096;

/// Of the capabilities of both sides.
const CONNECT_WITH_DB: u32 = 0x8;
const PROTOCOL_41: u32 = 0x200;
const SSL: u32 = 0x800;
const SECURE_CONNECTION: u32 = 0x8000;
const PLUGIN_AUTH: u32 = 0x8_0000;
/// Never offered to the driver: compression (0x20), files of this machine (0x80), several statements in one (0x1_0000), and
/// TLS, which lies below.
const WITHHELD: u32 = 0x20 | 0x80 | SSL | 0x1_0000;

/// Not a packet of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strange;

/// Reads one packet: its sequence number and its payload.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin + ?Sized)) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let [a, b, c, sequence] = head;
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    if length == 0 || length > LONGEST {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload).await?;
    Ok((sequence, payload))
}

/// Writes one short packet.
pub(super) async fn write(
    to: &mut (impl AsyncWrite + Unpin + ?Sized),
    sequence: u8,
    payload: &[u8],
) -> std::io::Result<()> {
    let Ok(length) = u16::try_from(payload.len()) else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    let [low, high] = length.to_le_bytes();
    let mut packet = vec![low, high, 0, sequence];
    packet.extend_from_slice(payload);
    to.write_all(&packet).await?;
    to.flush().await
}

/// Takes bytes off the front of a packet; what is missing makes the packet strange, never a panic.
struct Taker<'p>(&'p [u8]);

impl<'p> Taker<'p> {
    fn take(&mut self, count: usize) -> Result<&'p [u8], Strange> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Strange)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Strange> {
        self.take(1)?.first().copied().ok_or(Strange)
    }

    fn number(&mut self, count: usize) -> Result<u32, Strange> {
        let bytes = self.take(count)?.iter().rev();
        Ok(bytes.fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn text(&mut self) -> Result<String, Strange> {
        let end = self.0.iter().position(|b| *b == 0).ok_or(Strange)?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

/// What a server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    version: String,
    capabilities: u32,
    charset: u8,
    status: u32,
    extended: u32,
    nonce: Vec<u8>,
    plugin: Plugin,
}

impl Greeting {
    pub(super) fn read(payload: &[u8]) -> Result<Self, Strange> {
        let mut taker = Taker(payload);
        if taker.byte()? != 10 {
            return Err(Strange);
        }
        let version = taker.text()?;
        taker.take(4)?;
        let mut nonce = taker.take(8)?.to_vec();
        taker.take(1)?;
        let low = taker.number(2)?;
        let charset = taker.byte()?;
        let status = taker.number(2)?;
        let capabilities = low | taker.number(2)? << 16;
        let length = usize::from(taker.byte()?);
        taker.take(6)?;
        let extended = taker.number(4)?;
        let needed = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH;
        if capabilities & needed != needed {
            return Err(Strange);
        }
        nonce.extend_from_slice(taker.take(length.saturating_sub(8).max(13))?);
        nonce.truncate(20);
        // Whom the server would rather ask in another way, it asks again once it knows the account.
        let plugin = Plugin::named(&taker.text().unwrap_or_default()).unwrap_or(Plugin::Native);
        Ok(Self {
            version,
            capabilities,
            charset,
            status,
            extended,
            nonce,
            plugin,
        })
    }

    pub(super) fn offers_tls(&self) -> bool {
        self.capabilities & SSL != 0
    }

    pub(super) fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }

    pub(super) fn plugin(&self) -> Plugin {
        self.plugin
    }

    pub(super) fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    /// The greeting that the driver sees: the same server, without what it shall not use and with nothing to sign.
    pub(super) fn for_driver(&self) -> Vec<u8> {
        let [a, b, c, d] = (self.capabilities & !WITHHELD).to_le_bytes();
        let mut packet = vec![10];
        packet.extend(self.version.bytes().chain([0]));
        packet.extend([0; 4]);
        packet.extend([b'0'; 8]);
        let [low, high, ..] = self.status.to_le_bytes();
        packet.extend([0, a, b, self.charset, low, high, c, d, 21]);
        packet.extend([0; 6]);
        packet.extend(self.extended.to_le_bytes());
        packet.extend([b'0'; 12]);
        packet.push(0);
        packet.extend(b"mysql_native_password\0");
        packet
    }
}

/// The first 32 bytes of the driver's answer (capabilities, longest packet, charset), which both packets to the server begin with.
pub(super) fn opening(answer: &[u8], tls: bool, database: bool) -> Result<Vec<u8>, Strange> {
    let mut taker = Taker(answer);
    let mut capabilities = taker.number(4)?;
    capabilities &= !WITHHELD;
    for (bit, wanted) in [(SSL, tls), (CONNECT_WITH_DB, database), (PLUGIN_AUTH, true)] {
        capabilities = if wanted {
            capabilities | bit
        } else {
            capabilities & !bit
        };
    }
    let mut opening = capabilities.to_le_bytes().to_vec();
    opening.extend_from_slice(taker.take(28)?);
    Ok(opening)
}

/// The login itself.
pub(super) fn login(opening: &[u8], user: &str, response: &[u8], database: &str, plugin: Plugin) -> Vec<u8> {
    let mut packet = opening.to_vec();
    packet.extend(user.bytes().filter(|b| *b != 0).chain([0]));
    // Never longer than 32 bytes, so that one byte tells its length in either form.
    packet.push(u8::try_from(response.len()).unwrap_or_default());
    packet.extend_from_slice(response);
    if !database.is_empty() {
        packet.extend(database.bytes().filter(|b| *b != 0).chain([0]));
    }
    packet.extend(plugin.name().bytes().chain([0]));
    packet
}

/// How a password is proven without being told. All others that servers know are not spoken here, above all not
/// `mysql_clear_password`, which tells it to whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plugin {
    Native,
    CachingSha2,
}

impl Plugin {
    fn named(name: &str) -> Option<Self> {
        [Self::Native, Self::CachingSha2].into_iter().find(|p| p.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
        }
    }

    /// What proves the password for this nonce.
    pub(super) fn proof(self, password: &str, nonce: &[u8]) -> Vec<u8> {
        if password.is_empty() {
            return Vec::new();
        }
        let kind = match self {
            Self::Native => Digest::Sha1,
            Self::CachingSha2 => Digest::Sha256,
        };
        let once = digest(kind, password.as_bytes());
        let twice = digest(kind, &once);
        let mask = match self {
            Self::Native => digest(kind, &[nonce, &twice].concat()),
            Self::CachingSha2 => digest(kind, &[&twice, nonce].concat()),
        };
        once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
    }
}

/// What a server says after the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Welcome,
    /// Its number for the reason.
    No(u32),
    /// The proof again, in this way and for this nonce.
    Prove(Plugin, Vec<u8>),
    /// In a way that is not spoken here.
    Unspoken,
    /// It remembers the account; the welcome follows.
    Remembered,
    /// It wants the password itself.
    Tell,
}

impl Said {
    pub(super) fn read(payload: &[u8], plugin: Plugin) -> Result<Self, Strange> {
        let mut taker = Taker(payload);
        match (taker.byte()?, plugin) {
            (0, _) => Ok(Self::Welcome),
            (0xff, _) => Ok(Self::No(taker.number(2)?)),
            (0xfe, _) => {
                let Ok(name) = taker.text() else {
                    return Ok(Self::Unspoken);
                };
                Ok(Plugin::named(&name).map_or(Self::Unspoken, |plugin| {
                    let nonce = taker.0.iter().copied().take(20).collect();
                    Self::Prove(plugin, nonce)
                }))
            }
            (1, Plugin::CachingSha2) => match taker.byte()? {
                3 => Ok(Self::Remembered),
                4 => Ok(Self::Tell),
                _ => Err(Strange),
            },
            _ => Err(Strange),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(plugin: &str) -> Vec<u8> {
        let mut bytes = b"\x0a5.5.5-10.11.6-MariaDB\0\x07\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0ijklmnopqrst\0".to_vec();
        bytes.extend(plugin.bytes().chain([0]));
        bytes
    }

    #[test]
    fn a_greeting_is_read_and_shown_to_the_driver_without_tls() {
        let read = Greeting::read(&greeting("caching_sha2_password")).unwrap();
        assert!(read.is_mariadb() && read.offers_tls());
        assert_eq!(
            (read.nonce(), read.plugin()),
            (&b"abcdefghijklmnopqrst"[..], Plugin::CachingSha2)
        );
        let shown = Greeting::read(&read.for_driver()).unwrap();
        assert!(!shown.offers_tls() && shown.is_mariadb());
        assert_eq!((shown.plugin(), shown.extended), (Plugin::Native, read.extended));
        assert_eq!(shown.capabilities & WITHHELD, 0);
        // Whatever is cut off is strange; only the name of the way may be absent.
        let whole = greeting("");
        for end in 0..whole.len() - 1 {
            assert!(Greeting::read(&whole[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn nobody_is_told_a_password_who_asks_for_it_in_clear() {
        let asked = Greeting::read(&greeting("mysql_clear_password")).unwrap();
        assert_eq!(asked.plugin(), Plugin::Native);
        for name in [
            "mysql_clear_password",
            "sha256_password",
            "dialog",
            "client_ed25519",
            "",
        ] {
            let packet = [b"\xfe", name.as_bytes(), b"\0abcdefghijklmnopqrst\0"].concat();
            assert_eq!(Said::read(&packet, Plugin::Native), Ok(Said::Unspoken), "{name}");
        }
        // The oldest way of all, with a hash of 64 bits.
        assert_eq!(Said::read(&[0xfe], Plugin::Native), Ok(Said::Unspoken));
        assert_eq!(Said::read(&[1, 4], Plugin::Native), Err(Strange));
        assert_eq!(Said::read(&[1, 4], Plugin::CachingSha2), Ok(Said::Tell));
        assert_eq!(Said::read(&[0xff, 0x15, 0x04], Plugin::Native), Ok(Said::No(1045)));
    }

    #[test]
    fn a_proof_is_what_the_server_can_undo() {
        let nonce = b"abcdefghijklmnopqrst";
        for (plugin, kind) in [(Plugin::Native, Digest::Sha1), (Plugin::CachingSha2, Digest::Sha256)] {
            let stored = digest(kind, &digest(kind, b"geheim"));
            let mask = match plugin {
                Plugin::Native => digest(kind, &[&nonce[..], &stored].concat()),
                Plugin::CachingSha2 => digest(kind, &[&stored[..], nonce].concat()),
            };
            let once: Vec<u8> = plugin
                .proof("geheim", nonce)
                .iter()
                .zip(mask)
                .map(|(a, b)| a ^ b)
                .collect();
            assert_eq!(digest(kind, &once), stored, "{plugin:?}");
            assert!(plugin.proof("", nonce).is_empty());
        }
    }
}
