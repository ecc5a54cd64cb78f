//! nginx, as it is measured: one process, no log unless a row is about it, the same fields as Verdict's, in each form that a
//! row holds against it.

use crate::failure::{Failure, While};
use crate::machine;
use crate::process::{Server, Setting, free_address};
use crate::protocols::{Addresses, Certificate};
use crate::site::{FIXED, MAX_AGE, Site};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

/// How nginx sends files. Each has a port of its own in one process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// With `sendfile`, opening the file each time: what distributions ship.
    Sendfile,
    /// With `sendfile` and `open_file_cache`.
    SendfileCached,
    /// Reading the file, opening it each time.
    Read,
    /// Reading the file, with `open_file_cache`.
    ReadCached,
}

impl Form {
    const ALL: [Form; 4] = [Form::Sendfile, Form::SendfileCached, Form::Read, Form::ReadCached];

    const fn sendfile(self) -> &'static str {
        match self {
            Form::Sendfile | Form::SendfileCached => "on",
            Form::Read | Form::ReadCached => "off",
        }
    }

    /// Whether it keeps files open.
    pub(crate) const fn is_cached(self) -> bool {
        matches!(self, Form::SendfileCached | Form::ReadCached)
    }

    /// A file is looked at again after a second, as Verdict does.
    const fn cache(self) -> &'static str {
        if self.is_cached() { "open_file_cache max=1000; open_file_cache_valid 1s;" } else { "" }
    }
}

/// Connections that it has room for where a row does not say.
const ROOM: u32 = 1024;

/// What is in the config of some rows beside what is in that of all.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lines<'a> {
    /// Of all servers, or other ones.
    pub(crate) http: &'a str,
    /// Of each form's server.
    pub(crate) server: &'a str,
}

/// A running nginx.
pub(crate) struct Nginx {
    pub(crate) server: Server,
    addresses: Vec<(Form, SocketAddr)>,
    /// Its access log, where it has one.
    pub(crate) log: PathBuf,
}

impl Nginx {
    /// Starts it with the site.
    pub(crate) fn start(site: &Site, setting: Setting<'_>) -> Result<Nginx, Failure> {
        Nginx::start_with(site, setting, Lines::default())
    }

    /// The same, with addresses for HTTP/2 in the clear and for TLS in each of these forms.
    pub(crate) fn start_secure(
        site: &Site,
        setting: Setting<'_>,
        issued: &Certificate,
        forms: &[Form],
    ) -> Result<(Nginx, Vec<(Form, Addresses)>), Failure> {
        let (certificate, key, files) = (&issued.certificate, &issued.key, site.files());
        let mut more = String::new();
        let mut all = Vec::new();
        for form in forms {
            let addresses = Addresses { http2: free_address()?, tls: free_address()? };
            let (Addresses { http2, tls }, cache) = (addresses, form.cache());
            let _ = write!(
                more,
                "  server {{\n\
                 \x20   listen {http2} http2 backlog=4096;\n\
                 \x20   listen {tls} ssl http2 backlog=4096;\n\
                 \x20   ssl_certificate {certificate:?};\n\
                 \x20   ssl_certificate_key {key:?};\n\
                 \x20   ssl_protocols TLSv1.2 TLSv1.3;\n\
                 \x20   sendfile on;\n\
                 \x20   {cache}\n\
                 \x20   root {files:?};\n\
                 \x20   location / {{ add_header Cache-Control max-age={MAX_AGE}; }}\n\
                 \x20   location = /fixed {{ return 200 {FIXED:?}; }}\n\
                 \x20 }}\n"
            );
            all.push((*form, addresses));
        }
        Ok((Nginx::start_with(site, setting, Lines { http: &more, server: "" })?, all))
    }

    /// The same with more in its config.
    pub(crate) fn start_with(site: &Site, setting: Setting<'_>, more: Lines<'_>) -> Result<Nginx, Failure> {
        let addresses = Form::ALL.map(|form| free_address().map(|address| (form, address)));
        let addresses = addresses.into_iter().collect::<Result<Vec<_>, Failure>>()?;
        let config = site.write("nginx.conf", &config(site, setting, &addresses, more)?)?;
        let mut command = Command::new(machine::program("nginx")?);
        command.arg("-p").arg(site.folder()).arg("-c").arg(config);
        let server = Server::start("nginx", &mut command, setting.cores, addresses[0].1, site.folder())?;
        Ok(Nginx { server, addresses, log: site.folder().join(LOG) })
    }

    /// Where it serves in a form.
    pub(crate) fn address(&self, form: Form) -> SocketAddr {
        self.addresses.iter().find(|(known, _)| *known == form).unwrap_or(&self.addresses[0]).1
    }
}

const LOG: &str = "nginx.log";

fn config(
    site: &Site,
    setting: Setting<'_>,
    addresses: &[(Form, SocketAddr)],
    Lines { http, server }: Lines<'_>,
) -> Result<String, Failure> {
    let room = setting.room.unwrap_or(ROOM);
    // Where less than a sixteenth is free it closes connections that wait for a request.
    let connections = room + room / 15 + 1;
    // The format that it has by itself, gathered as Verdict gathers its lines: what costs nginx least.
    let log = if setting.log { format!("{LOG} combined buffer=32k flush=1s") } else { "off".to_owned() };
    // Without a master, so that there is one process to measure; a request takes the same way through it.
    let mut config = format!(
        "daemon off;\n\
         master_process off;\n\
         worker_processes 1;\n\
         pid nginx.pid;\n\
         error_log stderr;\n\
         events {{ worker_connections {connections}; }}\n\
         http {{\n\
         \x20 access_log {log};\n\
         \x20 tcp_nodelay on;\n\
         \x20 keepalive_timeout 75s;\n\
         \x20 keepalive_requests 1000000000;\n\
         \x20 etag on;\n\
         \x20 charset utf-8;\n\
         \x20 default_type text/plain;\n\
         \x20 types {{ text/plain txt; application/octet-stream bin; }}\n\
         \x20 client_body_temp_path temporary;\n"
    );
    // The compiled-in folders may belong to root; only modules that are there may be told of others.
    let compiled = machine::said("nginx", "-V")?;
    for module in ["proxy", "fastcgi", "uwsgi", "scgi"] {
        if !compiled.contains(&format!("--without-http_{module}_module")) {
            let _ = writeln!(config, "  {module}_temp_path temporary;");
        }
    }
    let files = site.files();
    for (form, address) in addresses {
        let (sendfile, cache) = (form.sendfile(), form.cache());
        let _ = write!(
            config,
            "  server {{\n\
             \x20   listen {address} backlog=4096;\n\
             \x20   sendfile {sendfile};\n\
             \x20   {cache}\n\
             \x20   root {files:?};\n\
             \x20   location / {{ add_header Cache-Control max-age={MAX_AGE}; }}\n\
             \x20   location = /fixed {{ return 200 {FIXED:?}; }}\n\
             {server}\
             \x20 }}\n"
        );
    }
    config.push_str(http);
    config.push_str("}\n");
    std::fs::create_dir_all(site.folder().join("temporary")).while_trying("make a folder for nginx")?;
    Ok(config)
}
