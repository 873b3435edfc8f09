//! What the status of a response says about who answered.

use http::Response;

use crate::{
    admission::Http,
    database::QueryLayer,
    outcome::{Judge, Outcome},
};

/// Judges a response by its status, and an error as another does. Made by
/// [`QueryLayer::http`].
#[derive(Clone, Copy, Debug)]
pub struct JudgeStatus<J> {
    errors: J,
}

impl<B, E, J> Judge<Response<B>, E> for JudgeStatus<J>
where
    J: Judge<Response<B>, E>,
{
    fn judge(&self, result: &Result<Response<B>, E>) -> Outcome {
        if result.is_ok() { Http.judge(result) } else { self.errors.judge(result) }
    }
}

impl<N, J> QueryLayer<N, J> {
    /// Judges `http::Response`s by their status, as [`Http`] does: 502, 503 and 504 are
    /// overload, other statuses from 400 up say nothing about the load. Where the head
    /// carries a gRPC status, that counts: `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED` and
    /// `UNAVAILABLE` are overload; one that comes only after a body is not seen. Errors
    /// are judged as before.
    ///
    /// A response of another type needs [`judge`](Self::judge).
    pub fn http(self) -> QueryLayer<N, JudgeStatus<J>> {
        self.map_judge(|errors| JudgeStatus { errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(response: http::response::Builder) -> Outcome {
        let response = response.body(()).expect("it is valid");
        let errors = |_: &Result<Response<()>, ()>| Outcome::Overload;
        JudgeStatus { errors }.judge(&Ok(response))
    }

    #[test]
    fn a_response_is_judged_by_its_status() {
        for (status, outcome) in
            [(200, Outcome::Success), (404, Outcome::Ignore), (503, Outcome::Overload)]
        {
            assert_eq!(judge(Response::builder().status(status)), outcome, "{status}");
        }
    }

    #[test]
    fn a_grpc_status_in_the_head_counts_more() {
        for (status, outcome) in [
            ("0", Outcome::Success),
            ("3", Outcome::Ignore),
            ("4", Outcome::Overload),
            ("8", Outcome::Overload),
            ("14", Outcome::Overload),
        ] {
            assert_eq!(judge(Response::builder().header("grpc-status", status)), outcome);
        }
    }

    #[test]
    fn an_error_is_judged_as_before() {
        for outcome in [Outcome::Overload, Outcome::Ignore] {
            let errors = |_: &Result<Response<()>, ()>| outcome;
            assert_eq!(JudgeStatus { errors }.judge(&Err(())), outcome);
        }
    }
}
