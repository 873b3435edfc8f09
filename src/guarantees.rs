//! What holds whatever happens, each with the tests that would fail without it; and what is not
//! promised.
//!
//! A test is named by its file and itself: `cancellation::an_empty_body_holds_nothing` is in
//! `tests/cancellation.rs`, and what begins with `lib` is beside the code that it is for. Those
//! files are part of the package. A test looks that each of them is there.
//!
//! # What comes in goes out
//!
//! Every request that was let in gives back what it held, once, however it ends:
//!
//! * with an answer that is read to its end, or has no body at all:
//!   `cancellation::response_body_read_to_its_end_releases_capacity_though_kept`,
//!   `cancellation::an_empty_body_holds_nothing`
//! * with a body of which the client reads a part and leaves, in the service or over a connection:
//!   `cancellation::response_body_dropped_mid_stream_releases_capacity`,
//!   `serving_hyper::permit_is_freed_when_the_client_hangs_up_mid_stream`,
//!   `serving_hyper::permit_is_freed_when_the_client_drops_the_body`
//! * with a body that lasts longer than it may, where that is
//!   [bounded](crate::GateLayer::body_within), also to a client that does not read at all:
//!   `slow_bodies::a_body_that_nobody_reads_gives_its_permit_back_in_time_and_goes_on`,
//!   `slow_bodies::a_body_that_ends_in_time_gives_back_its_own_permit_once`,
//!   `slow_bodies::a_body_that_is_dropped_gives_its_permit_back_at_once_and_only_once`,
//!   `slow_bodies::a_client_that_does_not_read_holds_no_place_for_longer`
//! * with an error: `cancellation::an_error_of_the_service_releases_capacity`
//! * with a panic, in `call` or later: `cancellation::a_panic_in_call_releases_capacity`,
//!   `cancellation::a_panic_in_the_inner_future_releases_capacity`
//! * by being dropped, in each state that its future has:
//!   `cancellation::response_future_dropped_while_waiting_leaves_the_queue`,
//!   `cancellation::response_future_dropped_between_grant_and_poll_hands_the_place_on`,
//!   `cancellation::response_future_dropped_before_the_inner_service_is_ready_releases_capacity`,
//!   `cancellation::response_future_dropped_while_calling_releases_capacity`,
//!   `cancellation::response_future_dropped_while_a_fallback_answers_drops_the_fallbacks_work`,
//!   `cancellation::a_refused_future_dropped_unpolled_changes_nothing`,
//!   `fleet_outage::who_leaves_while_it_waits_for_the_quota_holds_nothing`
//! * at the door of a database, in the midst of it:
//!   `lib::database::a_checkout_that_is_dropped_leaves_no_place_taken`,
//!   `fallback_closure::one_that_leaves_while_a_closure_answers_in_the_midst_leaves_nothing_held`
//! * as the probe of a half-open circuit: `half_open::a_cancelled_probe_gives_its_place_back`,
//!   `lib::control::probes_are_bounded_and_never_leak`
//! * in thousands at once, each with a fate of its own:
//!   `storm::a_storm_of_cancellations_and_panics_leaves_nothing_behind`,
//!   `cancellation::five_hundred_outer_timeouts_leave_nothing_behind`
//! * while the limit moves, and settings with it:
//!   `moving_limit::a_limit_that_jumps_at_random_keeps_everybody_accounted`,
//!   `lib::gate::a_reload_loses_nobody_and_is_felt_at_once`,
//!   `lib::gate::who_came_before_the_limit_was_enforced_hands_the_place_on`,
//!   `lib::gate::the_gate_is_its_two_lists_and_whoever_waits_and_has_room_goes_in`
//! * in every order in which threads may come and go:
//!   `lib::gate::loom_who_comes_while_one_leaves_is_let_in`,
//!   `lib::gate::loom_who_gives_up_leaves_nobody_stranded`,
//!   `lib::gate::loom_a_dear_one_that_leaves_hands_on_its_place`
//! * and of its queries, whichever threads they start and end on:
//!   `lib::database::the_end_of_a_query_is_never_seen_without_its_start`,
//!   `lib::database::loom_the_end_of_a_query_is_never_seen_without_its_start`,
//!   `lib::database::loom_what_is_noted_while_it_is_gathered_is_in_this_time_or_the_next`
//!
//! # Limits hold
//!
//! * Never are more let in than the limit says, however axum or hyper apply the layer. The limit
//!   itself may fall below what is in flight; where it is 0, one request at a time is let in, so
//!   that somebody finds out when the database is back:
//!   `serving_axum::limit_holds_under_router_layer`,
//!   `serving_hyper::limit_holds_over_many_connections`,
//!   `lib::control::nobody_is_admitted_over_the_limit_or_out_of_turn`,
//!   `lib::control::the_limit_and_its_queue_are_the_two_lists_that_they_are_described_as`,
//!   `lib::gate::loom_a_fallen_limit_is_never_passed_by_who_comes_later`,
//!   `lib::control::one_critical_request_at_a_time_is_let_in_whatever_the_limit`
//! * The limit is within its bounds whatever an algorithm says, a number that is none included:
//!   `lib::gate::bounds_hold_whatever_the_algorithm_says`
//! * In no span of time does a quota admit more than its burst and what came back meanwhile:
//!   `rate_promises::no_window_admits_more_than_burst_and_rate_of_any_quota`,
//!   `lib::gate::the_quotas_are_leaky_buckets_to_the_nanosecond`,
//!   `rate_threads::threads_together_never_spend_more_than_a_burst`
//! * What is refused, by whatever gate of an admission, has spent nothing:
//!   `rate_promises::a_refusal_spends_nothing_of_any_quota`,
//!   `rate::a_request_that_the_limit_refuses_hands_its_cell_back`,
//!   `rate::a_request_that_waited_in_vain_hands_its_cell_back`,
//!   `rate::a_request_that_an_open_circuit_refuses_hands_its_cell_back`
//!
//! # No wait is longer than its bound
//!
//! * A request waits for a place no longer than [`max_wait`](crate::ConcurrencyLimit::max_wait),
//!   400 ms, and than a third of its time where it has a deadline, to a millisecond:
//!   `waits::no_request_waits_longer_than_the_queue_and_its_deadline_allow`,
//!   `lib::gate::nobody_waits_longer_than_the_longest_wait`
//! * One that needs several databases may wait so long at each of them:
//!   `waits::who_needs_two_databases_waits_at_each_for_no_longer`
//! * For the store of a fleet it waits no longer than the time that the store has:
//!   `fleet_outage::a_store_that_does_not_answer_is_waited_for_no_longer_than_the_time_bound`,
//!   `fleet_outage::every_request_is_decided_in_time_and_none_is_admitted_twice_over`
//! * What `Retry-After` says is neither early nor late for a quota:
//!   `rate_promises::the_wait_hint_is_neither_early_nor_late`
//!
//! # Who is exempt is never refused
//!
//! * A route that is exempt waits for nothing, is refused by nothing and counts nowhere, whatever
//!   is full, open, spent or late:
//!   `priorities::exempt_requests_pass_a_full_limit_and_an_open_circuit_uncounted`,
//!   `rate_http::preflights_and_exempt_routes_spend_nothing_and_are_never_refused`,
//!   `deadlines::an_exempt_request_is_never_late`, `drain::the_exempt_come_in_and_are_not_waited_for`
//! * In report-only mode nobody is refused or waits, but for what somebody orders (a circuit that is
//!   forced open, a drain) and for the answer of a fleet's store:
//!   `report_only::a_circuit_opens_and_refuses_nobody`,
//!   `report_only::at_the_checkout_too_nobody_is_refused_and_all_are_told`
//!
//! # Memory is bounded
//!
//! What is kept of what was is bounded, whatever comes. For each [`Admission`](crate::Admission) that is:
//!
//! | of | as many as | which take |
//! |---|---|---|
//! | routes | 1000 in the process | 2 kB each, for each database |
//! | statements | 100 for each database, and the rest as one | ⅔ MB |
//! | clients with a quota | [`RateLimit::max_keys`](crate::RateLimit::max_keys): 100 000 | 52 bytes each, for one quota |
//! | answers | [`StaleLayer::max_bytes`](crate::StaleLayer::max_bytes): 64 MiB | |
//! | incidents and transitions | 20 of 60, and the last 100 | ½ MB with one database |
//! | seconds, where there is a [`console`](mod@crate::console) | 300 | 1 kB each, for each database |
//!
//! * In bytes, of a million routes, statements, clients and seconds, and growing by nothing:
//!   `bounds::a_thousand_routes_take_2_kb_at_each_database`,
//!   `bounds::statements_take_two_thirds_of_a_mb_at_each_database`,
//!   `bounds::a_client_with_a_quota_takes_52_bytes_for_as_many_as_are_remembered`,
//!   `bounds::of_clients_who_wait_and_leave_nothing_is_left`,
//!   `bounds::twenty_incidents_and_a_hundred_transitions_are_remembered`,
//!   `bounds::kept_answers_take_as_many_bytes_as_they_may`,
//!   `bounds::a_console_keeps_five_minutes_of_1_kb_a_second`
//! * Keys of clients: `rate_threads::clients_that_went_over_their_quota_stay_limited_in_a_flood_of_a_million_keys`,
//!   `fleet::a_flood_of_keys_keeps_within_the_bound`
//! * Names of routes and of other things that are remembered for the life of the process:
//!   `lib::class::the_table_has_a_bound`
//! * Statements and their texts: `lib::database::names_keep_their_numbers_and_the_table_its_bound`,
//!   `query_layer::a_statement_may_depend_on_the_request_and_the_table_stays_bounded`,
//!   `lib::database::texts_that_never_come_twice_do_not_grow_it`
//! * Kept answers and their variants: `stale::a_flood_of_pages_stays_within_the_bytes`,
//!   `stale::variants_are_kept_apart_and_are_bounded`
//! * Transitions, incidents, and series of metrics:
//!   `lib::journal::what_is_new_is_told_once_and_what_was_forgotten_is_counted`,
//!   `lib::incident::what_is_remembered_is_bounded`,
//!   `lib::incident::incidents_are_what_the_looks_at_them_make_and_never_too_many`,
//!   `metrics::however_many_statements_and_routes_there_are_the_series_are_bounded`
//! * What is read of a header: `client_ip::a_huge_header_is_read_to_its_bound`,
//!   `lib::http::no_more_than_so_many_hops_are_read`
//! * Who watches the console: `console::only_so_many_watch_at_once`,
//!   `console::who_reads_slowly_misses_no_sample_and_gets_no_heap_of_events`
//!
//! # A panic stays where it came from
//!
//! With `panic = "unwind"`, the default. It fails the request for which the code ran, leaks nothing
//! of it, and the next is served as before:
//!
//! * of a classifier, or of what tells the key: `panics::a_panic_of_the_classifier_stays_in_its_request`,
//!   `panics::a_panic_of_what_tells_the_key_stays_in_its_request`
//! * of a judge: `panics::a_panic_of_the_judge_stays_in_its_request`
//! * of the service: `panics::a_panic_of_the_service_stays_in_its_request`
//! * of a fallback, and of what rewrites a refusal:
//!   `panics::a_panic_of_the_fallback_stays_in_its_request`,
//!   `panics::a_panic_of_what_rewrites_a_refusal_stays_in_its_request`,
//!   `fallback_closure::a_panic_of_the_closure_in_the_midst_leaves_nothing_held`
//! * of the one whose answer others wait for: `stale_coalescing::a_leader_that_panics_harms_no_other`
//! * of the store of a fleet: `fleet_outage::however_it_fails_no_request_is_lost`
//!
//! What runs beside requests may panic without anybody's harm: the panic hook tells of it.
//!
//! * An observer, and a subscriber of a database:
//!   `panics::a_panic_of_an_observer_is_felt_by_nobody`,
//!   `panics::a_panic_while_something_drops_for_a_panic_is_not_the_end_of_the_process`
//! * An algorithm of your own, which runs under a lock. No lock of the crate can be poisoned for
//!   others: `panics::a_panic_of_an_algorithm_breaks_no_lock`,
//!   `house::no_lock_is_taken_so_that_a_panic_breaks_it`
//!
//! # A database that goes wrong
//!
//! To a real PostgreSQL and a real MariaDB, under a shop that serves. Pages that need no database
//! answer, all of them; no checkout is lost or doubled, no permit leaks and nothing panics:
//!
//! * of the server's own: `faults::a_locked_table`, `faults::a_frozen_server`,
//!   `faults::a_crash_and_a_restart`, `faults::connections_that_are_cut`, `faults::slow_queries`,
//!   `faults::connections_that_another_takes`, `faults::another_password`, `faults::a_full_disk`
//! * of the network between: `faults::a_slow_network`, `faults::a_network_that_loses`,
//!   `faults::a_silent_network`, `faults::connections_that_are_half_open`,
//!   `faults::connections_that_are_refused`, `faults::a_name_that_nobody_knows`
//! * of the shop's own: `faults::connections_that_the_shop_keeps`
//! * A full disk says nothing about the load, so that what only reads goes on; who is not let in
//!   says that there is no database:
//!   `lib::database::a_full_disk_says_nothing_about_the_load_and_no_memory_does`,
//!   `lib::sqlx::whatever_the_database_says_to_who_connects_is_an_overload`
//!
//! A Redis that goes wrong is an error within a second, and found again without anybody's help:
//!
//! * after it crashed or was frozen: `redis::a_crash_is_an_error_and_the_next_server_is_found`,
//!   `redis::a_frozen_server_is_an_error_and_no_queue`
//! * after the network has refused, lost or swallowed:
//!   `redis::a_server_that_refuses_connections_is_an_error_until_it_takes_them`,
//!   `redis::a_network_that_loses_makes_no_more_of_a_bucket`,
//!   `redis::a_silent_network_is_an_error_until_it_says_all_of_it`,
//!   `redis::a_connection_that_is_half_open_is_replaced`
//! * after its password was another, or it had no memory left:
//!   `redis::another_password_is_an_error_until_it_is_the_old_one`,
//!   `redis::a_server_without_memory_is_an_error_for_new_debts_until_it_has_some`
//!
//! # Clocks
//!
//! All decisions go by the monotonic clock of tokio. The wall clock is for people, for `Date`, and
//! for the members of a fleet.
//!
//! * Readings that are used late, and in any order, lose no place and pass no limit:
//!   `clocks::whenever_the_clock_was_read_no_place_is_lost_and_no_limit_passed`,
//!   `lib::control::late_clock_readings_do_no_harm`, `lib::control::a_clock_that_steps_back_changes_nothing`,
//!   `lib::database::absurd_latencies_and_late_clocks_do_no_harm`
//! * A quota tells nobody to wait for longer than a burst takes, whatever the reading; one that is
//!   used late may admit a burst more at most:
//!   `clocks::whenever_the_clock_was_read_nobody_is_told_to_wait_for_longer_than_a_burst_takes`
//! * A clock that stands still gives no cell and no place:
//!   `clocks::while_the_clock_stands_still_quotas_and_limits_hold`
//! * After one that jumps forward, by a year, the service is back within seconds:
//!   `clocks::after_a_jump_of_a_year_the_service_is_as_it_was`
//! * A wall clock that is put back changes no incident, and in Redis nobody waits for longer than a
//!   burst: `lib::incident::a_clock_that_is_put_back_neither_prolongs_it_nor_breaks_its_draft`,
//!   `redis::wherever_the_clock_jumps_nobody_waits_for_longer_than_a_burst`
//!
//! # Runtimes
//!
//! * Where a runtime shuts down, of one thread or of many, what its requests held is free, and who
//!   waited has left: `runtimes::a_runtime_that_shuts_down_leaves_nothing_held_and_nobody_in_the_queue`
//! * Several runtimes may share an admission; a place goes from one to another:
//!   `runtimes::a_place_goes_from_one_runtime_to_another`,
//!   `runtimes::who_waited_in_a_runtime_that_is_gone_is_passed_over`,
//!   `runtimes::runtimes_that_share_an_admission_lose_no_place`
//! * Outside of a runtime, who would have to wait panics, and harms nobody:
//!   `panics::who_would_have_to_wait_without_a_runtime_panics_and_holds_up_nobody`
//! * A task that has used up its budget is not refused for it:
//!   `budget::nothing_is_shed_because_a_task_has_used_up_its_budget`
//!
//! # A service that is about to stop
//!
//! [`Admission::drain`](crate::Admission::drain) loses nobody:
//!
//! * Who is in flight finishes, to the end of its body, and gets connections meanwhile:
//!   `drain::who_is_in_flight_finishes_and_who_comes_is_refused_at_once`,
//!   `drain::a_stream_is_waited_for_to_its_end`,
//!   `drain::who_is_in_flight_gets_its_connection_though_it_drains`
//! * Who waits already gets the place or the refusal that is due:
//!   `drain::who_waits_already_gets_the_place_or_the_refusal_that_is_due`,
//!   `drain::who_waits_for_the_answer_of_a_fleet_is_waited_for`
//! * Once it is drained, nobody who was let in is left, whatever the threads did:
//!   `drain::who_is_on_the_way_in_when_the_drain_begins_is_refused_as_well`,
//!   `drain::nobody_is_in_flight_once_it_is_drained_however_many_threads_there_are`,
//!   `lib::gate::loom_who_comes_in_past_a_drain_is_seen_by_it`,
//!   `lib::gate::loom_who_comes_to_wait_past_a_drain_is_seen_by_it`
//!
//! # In numbers
//!
//! `cargo run --release --example faults -- --budget`, in a checkout, has all of it at once: ten times
//! what the service sustains for ten minutes, 20 000 slow connections, clients that hang up by the
//! ten thousands, deploys under load, a million bad inputs, and each fault of a database that
//! `examples/faults` knows, over real connections and against real servers. It counts from the side
//! of the clients, and fails where a request is lost, a permit leaks, a checkout is lost or doubled,
//! or anything panics. `docs/trust.md` there is what one run printed.
//!
//! # What is not promised
//!
//! * **That a body ends.** A permit lasts to the end of the body. A client that reads slowly, or a
//!   stream that goes on, holds its place for as long, unless
//!   [`body_within`](crate::GateLayer::body_within) says how long that may be; or exempt what is to
//!   last. What a handler awaits of its client, as the body of a request, is its own affair: read it
//!   [outside of the layer](crate::guide::placing).
//! * **That work is undone.** Who leaves frees its place at once; its query goes on in the server,
//!   but with `db.sqlx(pool)`, which counts it until it is over.
//! * **Exactly once.** A request that was let in may be served though its client has left. It is not
//!   sent again by this crate, but by `client::Retries`.
//! * **An order among equals under contention.** Who comes while a place is free may take it before
//!   one who is about to queue.
//! * **Fairness to a runtime that stands still.** Who was given a place and is not polled keeps it.
//! * **A process that aborts.** With `panic = "abort"` a panic is the end, and so is one of your own
//!   in a destructor while another unwinds.
//! * **The level, circuits and limits of a fleet.** Instances share quotas only.
