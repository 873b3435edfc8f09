//! What a protocol around another leaves to it.

/// Methods of `Inspect<$request>`, or of `Protocol<$response, $error>`, that are those of
/// `self.protocol`. They are named one by one: what is not named is written beside it.
macro_rules! hand_on {
    ($of:tt $($method:ident),+ $(,)?) => { $(
        crate::admission::hand_on!(@$method $of);
    )+ };

    (@route ($request:ty)) => {
        fn route(&self, request: &$request) -> Option<crate::class::Route> {
            self.protocol.route(request)
        }
    };
    (@is_preflight ($request:ty)) => {
        fn is_preflight(&self, request: &$request) -> bool {
            self.protocol.is_preflight(request)
        }
    };
    (@tell_brownout ($request:ty)) => {
        fn tell_brownout(&self, request: &mut $request, brownout: crate::brownout::Brownout) {
            self.protocol.tell_brownout(request, brownout);
        }
    };
    (@tell_refusal ($request:ty)) => {
        fn tell_refusal(&self, request: &mut $request, rejection: &crate::rejection::Rejection) {
            self.protocol.tell_refusal(request, rejection);
        }
    };
    (@format ($request:ty)) => {
        fn format(&self, request: &$request) -> crate::admission::Format {
            self.protocol.format(request)
        }
    };

    (@answer ($response:ty, $error:ty)) => {
        fn answer<H: crate::gate::Finish>(
            &self,
            response: $response,
            held: Option<H>,
        ) -> Self::Response<H> {
            self.protocol.answer(response, held)
        }
    };
    (@refusal ($response:ty, $error:ty)) => {
        fn refusal(
            &self,
            rejection: &crate::rejection::Rejection,
            format: crate::admission::Format,
        ) -> Result<P::Refusal, $error> {
            self.protocol.refusal(rejection, format)
        }
    };
    (@answer_refused ($response:ty, $error:ty)) => {
        fn answer_refused<H>(&self, refusal: P::Refusal) -> Self::Response<H> {
            self.protocol.answer_refused(refusal)
        }
    };
    (@refuse ($response:ty, $error:ty)) => {
        fn refuse<H>(
            &self,
            rejection: crate::rejection::Rejection,
            format: crate::admission::Format,
        ) -> Result<Self::Response<H>, $error> {
            self.protocol.refuse(rejection, format)
        }
    };
    (@has_failed ($response:ty, $error:ty)) => {
        fn has_failed(&self, result: &Result<$response, $error>) -> bool {
            self.protocol.has_failed(result)
        }
    };
    (@format_of ($response:ty, $error:ty)) => {
        fn format_of(&self, result: &Result<$response, $error>) -> crate::admission::Format {
            self.protocol.format_of(result)
        }
    };
    (@tell_fallback ($response:ty, $error:ty)) => {
        fn tell_fallback(
            &self,
            response: &mut $response,
            rejection: &crate::rejection::Rejection,
        ) {
            self.protocol.tell_fallback(response, rejection);
        }
    };
    (@tell_standing ($response:ty, $error:ty)) => {
        fn tell_standing(&self, response: &mut $response, standing: &crate::standing::Standing) {
            self.protocol.tell_standing(response, standing);
        }
    };
    (@tell_spent ($response:ty, $error:ty)) => {
        fn tell_spent(&self, response: &mut $response, spent: &[crate::database::Spent]) {
            self.protocol.tell_spent(response, spent);
        }
    };
    (@note_admitted ($response:ty, $error:ty)) => {
        fn note_admitted(&self, waited: std::time::Duration, level: Option<f64>) {
            self.protocol.note_admitted(waited, level);
        }
    };
    (@note_spent ($response:ty, $error:ty)) => {
        fn note_spent(&self, spent: &[crate::database::Spent]) {
            self.protocol.note_spent(spent);
        }
    };
}

pub(crate) use hand_on;
