//! The server over real sockets: each file proves one subject, with clients of our own that are strict and with those that
//! people use.

mod browser;
mod cases;
mod certificates;
mod client;
mod connection;
mod console;
mod console_page;
mod documents;
mod documents_full;
mod documents_model;
mod early;
mod examples;
mod files;
mod files_changing;
mod files_parts;
mod gates;
mod gateway;
mod gateway_interim;
mod gateway_load;
mod head_is_get;
mod http2;
mod http2_frames;
mod http2_held;
mod jobs;
mod malformed;
mod others;
mod random;
mod redirects;
mod request_ids;
mod site;
mod slow;
mod statuses;
mod stopping;
mod tls;
mod tunnel;
mod uploads;
mod upstream;

use others::is_there;
