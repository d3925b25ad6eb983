//! Serves a folder over S3, until it is told to stop: `serve --data DIR --port 9000`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Parser;
use streamforge_s3::{Credentials, EmbeddedS3, Options};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Args {
    /// Folder of the store; created when it is not there.
    #[arg(long)]
    data: PathBuf,
    /// Port on the loopback interface; 0 takes a free one. The address is printed.
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long, default_value = "test")]
    access_key: String,
    #[arg(long, default_value = "testtest")]
    secret_key: String,
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Bytes of the disk to leave free.
    #[arg(long, default_value_t = 0)]
    reserve_bytes: u64,
    /// Applies the lifecycle rules as if it were so many days later, and ends.
    #[arg(long)]
    sweep_in_days: Option<u64>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "whoever starts it reads the address")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let options = Options {
        region: args.region,
        reserve_bytes: args.reserve_bytes,
        ..Options::new(Credentials::new(args.access_key, args.secret_key))
    };
    let s3 = EmbeddedS3::open(&args.data, options).await?;
    if let Some(days) = args.sweep_in_days {
        let swept = s3.sweep(SystemTime::now() + Duration::from_secs(days * 86_400));
        println!("{:?}", swept.await?);
        return Ok(());
    }
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port))).await?;
    println!("http://{}", listener.local_addr()?);
    let stop = async {
        // Without a handler there is nothing to wait for: it is served until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    s3.serve(listener, stop).await;
    Ok(())
}
