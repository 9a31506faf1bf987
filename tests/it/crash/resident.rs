//! A resident that is started again whenever it was killed.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{net::UnixStream, process::ExitStatusExt as _},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{Attempt, Scene};
use crate::support::{wal, world::Resident};

/// A connection to a running resident, and the resident.
struct Running {
    resident: Resident,
    stream: BufReader<UnixStream>,
}

/// Residents, one after the other, each of which is killed at a place.
#[derive(Default)]
pub(super) struct Residents {
    running: Option<Running>,
    /// Where the next resident is killed.
    pub(super) kill_at: Option<String>,
}

impl Residents {
    /// Asks the resident, started if there is none, to archive a file.
    pub(super) fn archive(&mut self, scene: &mut Scene, number: u64) -> Attempt {
        let path = scene.write(number);
        if !self.start(scene) {
            return Attempt::Killed;
        }
        self.ask(scene, &path);
        self.hear(scene, number)
    }

    /// Sends the request for the file at `path`, whoever hears it.
    pub(super) fn ask(&mut self, scene: &Scene, path: &str) {
        let path = scene.world.path("data").join(path);
        self.say(&format!(r#"{{"v":1,"archive":"{}"}}"#, path.display()));
    }

    /// Waits for the answer.
    pub(super) fn hear(&mut self, scene: &mut Scene, number: u64) -> Attempt {
        match self.answer() {
            Some(answer) => {
                let archived = format!(r#"{{"v":1,"archived":{{"name":"{}""#, wal::name(number));
                assert!(answer.starts_with(&archived), "{answer}");
                scene.acknowledged(number);
                Attempt::Acknowledged
            }
            None => self.died(),
        }
    }

    /// Waits until the resident says that the destinations hold everything, or is killed.
    pub(super) fn until_complete(&mut self, scene: &Scene) -> Attempt {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            if !self.start(scene) {
                return Attempt::Killed;
            }
            self.say(r#"{"v":1,"status":{}}"#);
            let Some(answer) = self.answer() else {
                return self.died();
            };
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            if answer["status"]["spool"]["files"] == 0 {
                return Attempt::Acknowledged;
            }
            assert!(Instant::now() < deadline, "{answer}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the resident, if there is one, and says whether it was killed while it ended.
    pub(super) fn stop(&mut self) -> Attempt {
        let Some(running) = self.running.take() else {
            return Attempt::Acknowledged;
        };
        drop(running.stream);
        running.resident.terminate();
        let status = running.resident.wait();
        match (status.code(), status.signal()) {
            (Some(0), _) => Attempt::Acknowledged,
            (_, Some(9)) => Attempt::Killed,
            _ => panic!("{status}"),
        }
    }

    /// Kills the resident.
    pub(super) fn kill(&mut self) {
        if let Some(running) = &mut self.running {
            running.resident.kill_now();
        }
    }

    /// Starts a resident if there is none; false if it was killed before it listened.
    pub(super) fn start(&mut self, scene: &Scene) -> bool {
        if self.running.is_some() {
            return true;
        }
        let mut command = scene.world.serve_command(&["--patience=1m"]);
        arm(&mut command, self.kill_at.as_deref());
        let mut resident = Resident::spawn(&mut command);
        if !resident.says("socket") {
            assert_eq!(resident.wait().signal(), Some(9));
            return false;
        }
        let Ok(stream) = UnixStream::connect(scene.world.path("spool/walcast.sock")) else {
            assert_eq!(resident.wait().signal(), Some(9));
            return false;
        };
        let stream = BufReader::new(stream);
        self.running = Some(Running { resident, stream });
        true
    }

    fn say(&mut self, line: &str) {
        let running = self.running.as_mut().unwrap();
        // Who was killed does not answer either.
        let _ = writeln!(running.stream.get_mut(), "{line}");
    }

    /// Returns a whole line; `None` if the resident died before it had written it.
    fn answer(&mut self) -> Option<String> {
        let running = self.running.as_mut().unwrap();
        let mut line = String::new();
        // A reset connection is a death too.
        let _ = running.stream.read_line(&mut line);
        line.ends_with('\n').then_some(line)
    }

    fn died(&mut self) -> Attempt {
        let running = self.running.take().unwrap();
        assert_eq!(running.resident.wait().signal(), Some(9));
        Attempt::Killed
    }
}

/// Has the process killed at a place.
pub(super) fn arm(command: &mut Command, kill_at: Option<&str>) {
    if let Some(place) = kill_at {
        command.env("WALCAST_KILL_AT", place);
    }
}
