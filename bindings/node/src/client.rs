//! The JavaScript class that the TypeScript side stands on.

// Node-API's arguments come as values.
#![allow(clippy::needless_pass_by_value)]

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Buffer, Function, Uint8ArraySlice};
use napi_derive::napi;
use sfu_core::RouterId;
use sfu_core::client::{Call, ClientOptions};

use crate::convert;
use crate::environment;
use crate::error::{Result, closed, failed, invalid, io, refused};
use crate::pump::{self, Parts, Shared};

/// One SFU. Everything that blocks is done by a thread of its own.
#[napi]
pub struct Client {
    shared: Arc<Shared>,
}

#[napi]
impl Client {
    /// Starts an SFU with these options, as JSON. `deliver` is called with
    /// batches; the first says whether it started.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, options: String, deliver: Function<'_, Parts, ()>) -> Result<Self> {
        let options =
            serde_json::from_str(&options).map_err(|error| invalid(format!("options: {error}")))?;
        let options =
            ClientOptions::from_value(options).map_err(|error| invalid(error.to_string()))?;
        let deliver = deliver
            .build_threadsafe_function::<convert::Batch>()
            .weak::<true>()
            .build_callback(|context| {
                let (items, short, long) = context.value.into_parts();
                let short = (!short.is_empty()).then(|| Buffer::from(short));
                Ok((items, short, long.into_iter().map(Buffer::from).collect()).into())
            })
            .map_err(refused)?;
        let shared = Arc::new(Shared::default());
        environment::enter(env, Arc::clone(&shared)).map_err(refused)?;
        if let Err(error) = pump::start(options, &shared, deliver) {
            environment::leave(&shared);
            return Err(io(format!("no thread could be started: {error}")));
        }
        Ok(Self { shared })
    }

    /// Posts a call; its completion carries the number that this gives.
    #[napi(catch_unwind)]
    pub fn submit(
        &self,
        method: String,
        target: String,
        parameters: String,
        payloads: Vec<Uint8ArraySlice<'_>>,
    ) -> Result<f64> {
        let client = self.shared.client().ok_or_else(closed)?;
        let target = convert::target(&target)?;
        let parameters = convert::parameters(&parameters)?;
        let payloads = convert::payloads(&payloads);
        let request = client.submit(Call::new(&method, target, parameters, payloads));
        // Numbers count from 1; the 2^53rd never comes.
        Ok(request.0 as f64)
    }

    /// Replaces a router's codecs at once, between the calls of before and those
    /// of later. Gives its new capabilities.
    #[napi(catch_unwind)]
    pub fn update_media_codecs(&self, router: String, codecs: String) -> Result<String> {
        let client = self.shared.client().ok_or_else(closed)?;
        let router = RouterId::from_u64(convert::target(&router)?)
            .ok_or_else(|| invalid("router: expected the id of one"))?;
        let codecs = convert::parameters(&codecs)?;
        let capabilities = client.update_media_codecs(router, &codecs);
        let capabilities = capabilities.map_err(|error| failed(&error))?;
        Ok(capabilities.to_string())
    }

    /// A delivered batch is dealt with, so that another may come.
    #[napi(catch_unwind)]
    pub fn ready(&self) {
        self.shared.ready();
    }

    /// Begins to end everything; the last batch says when it has ended.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.shared.close();
    }

    /// Lets go of what is left after the last batch.
    #[napi(catch_unwind)]
    pub fn finish(&self) {
        environment::leave(&self.shared);
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
