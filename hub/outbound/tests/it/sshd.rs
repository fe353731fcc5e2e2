//! A real OpenSSH server of a test's own: on a port that was free, with keys made for it, serving files and nothing else.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Whoever runs it when the tests run as root: logins are to this user. OpenSSH takes `nobody` for locked.
const SERVANT: (&str, u32) = ("daemon", 1);

/// A server and its folder.
pub struct Sshd {
    pub folder: tempfile::TempDir,
    program: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Sshd {
    /// Starts one; `None`, loudly, where there is no OpenSSH server.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "there is no sshd: in CI nothing is left out"
            );
            eprintln!("NOT TESTED WITH OPENSSH: no sshd; run `make unit`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        open(folder.path());
        for name in ["host", "other", "user", "stranger"] {
            make_key(folder.path(), name, "ed25519");
        }
        std::fs::copy(folder.path().join("user.pub"), folder.path().join("authorized")).unwrap();
        std::fs::create_dir(folder.path().join("drop")).unwrap();
        open(&folder.path().join("drop"));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self {
            folder,
            program,
            port,
            process: None,
        };
        server.go_on("host");
        Some(server)
    }

    /// Starts again after a stop, on the same port, with one of the keys of its folder.
    pub fn go_on(&mut self, host_key: &str) {
        let folder = self.folder.path().display().to_string();
        let config = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {folder}/{host_key}\nPidFile none\nStrictModes no\n\
             AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             UsePAM no\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\nLogLevel ERROR\n",
            self.port
        );
        let file = self.folder.path().join("config");
        std::fs::write(&file, config).unwrap();
        if is_root() {
            std::os::unix::fs::chown(self.folder.path().join(host_key), Some(SERVANT.1), Some(SERVANT.1)).unwrap();
        }
        let mut command = Command::new(&self.program);
        command.arg("-D").arg("-e").arg("-f").arg(&file);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        if is_root() {
            command.gid(SERVANT.1).uid(SERVANT.1);
        }
        self.process = Some(command.spawn().unwrap());
        let patience = Instant::now() + Duration::from_secs(10);
        while !self.answers() {
            assert!(Instant::now() < patience, "sshd does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let mut first = [0; 4];
        stream.read_exact(&mut first).is_ok() && &first == b"SSH-"
    }

    /// Ends it with all its sessions.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let sessions = below(process.id());
        process.kill().unwrap();
        process.wait().unwrap();
        for session in sessions {
            // It may have ended with its parent.
            let _gone = Command::new("kill")
                .args(["-9", &session.to_string()])
                .stderr(Stdio::null())
                .status();
        }
    }

    /// Where the agency's side finds the files.
    pub fn drop_folder(&self) -> PathBuf {
        self.folder.path().join("drop")
    }

    /// The address of that folder, without pins.
    pub fn address(&self) -> String {
        let user = if is_root() { SERVANT.0.to_owned() } else { user() };
        format!("sftp://{user}@127.0.0.1:{}{}", self.port, self.drop_folder().display())
    }

    /// A private key of its folder.
    pub fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The fingerprint of a key, as OpenSSH prints it.
    pub fn fingerprint(&self, name: &str) -> String {
        let file = self.folder.path().join(format!("{name}.pub"));
        let printed = Command::new("ssh-keygen").arg("-lf").arg(file).output().unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        printed.split(' ').nth(1).unwrap().to_owned()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn make_key(folder: &Path, name: &str, kind: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", "", "-C", name, "-f"])
        .arg(folder.join(name))
        .status();
    assert!(made.unwrap().success());
}

/// The processes below one, which leave its group.
fn below(process: u32) -> Vec<u32> {
    let printed = Command::new("ps")
        .args(["-o", "pid=", "--ppid", &process.to_string()])
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let children = printed.split_whitespace().map(|pid| pid.parse().unwrap());
    children
        .flat_map(|child| below(child).into_iter().chain([child]))
        .collect()
}

/// The server that is installed, or the one that was unpacked for the tests.
fn program() -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/openssh/usr/sbin/sshd");
    let all = [PathBuf::from("/usr/sbin/sshd"), unpacked];
    all.into_iter().find(|p| p.is_file())?.canonicalize().ok()
}

/// Everybody may enter and write: the server runs as somebody else.
fn open(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

fn user() -> String {
    let printed = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(printed.stdout).unwrap().trim().to_owned()
}

fn is_root() -> bool {
    let printed = Command::new("id").arg("-u").output().unwrap();
    printed.stdout == b"0\n"
}
