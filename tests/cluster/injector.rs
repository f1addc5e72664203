//! The injector's policies, as the API server applies them to new pods.
//!
//! A pod that gets the sidecar is compared with one that has it written out, from the chart's named
//! templates, in a namespace without the injector. So defaults of the API server are the same, and
//! every value must come through the policy's CEL unchanged.

mod ephemeral;
mod expected;
mod install;
mod kinds;
mod look_alikes;
mod refused;
mod reinvoked;
mod table;
mod templates;
mod values;
