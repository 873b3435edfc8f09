//! What somebody could do to a service by way of this crate, what stands against it, and the tests
//! of that. `SECURITY.md` says how to report what is missing here.
//!
//! Who attacks is a client: it sends whatever bytes it likes, as often, as slowly and from as many
//! addresses as it likes. Your code, your configuration, your database, the services that you name
//! as trusted, and the Redis of a fleet are on your side. Tests are named as in
//! [`guarantees`](crate::guarantees).
//!
//! # Made-up addresses
//!
//! A client says in a header that it is somebody else, to have a quota of its own with each request,
//! or to spend another's.
//!
//! * No header is read from a peer that is not one of the proxies which were named:
//!   `client_ip::no_header_changes_the_key_of_a_peer_that_is_not_trusted`,
//!   `keys::over_axum_a_peer_that_nobody_trusts_stays_itself_whatever_it_sends`
//! * Behind them, only what they wrote counts, and only in the one header that was said:
//!   `client_ip::nothing_that_a_client_sends_changes_what_our_proxies_wrote_behind_it`,
//!   `client_ip::only_the_header_that_is_said_is_read`
//! * What cannot be read is nobody's address, and what stands before it is not read:
//!   `client_ip::junk_is_read_to_its_end_and_from_nobody_not_at_all`,
//!   `lib::http::an_entry_that_is_too_long_is_no_address_and_nothing_before_it_is_read`
//! * A network of IPv6 is one client: `client_ip::a_customer_of_ipv6_is_one_client_whichever_address_it_takes`
//!
//! # Made-up importance
//!
//! A client says that it is critical, that it is no retry, or that it has all the time of the world.
//!
//! * By default anybody may lower a priority and nobody raise it; who may is known by its network:
//!   `lib::http::by_default_nobody_is_trusted_and_if_told_everybody_is`,
//!   `propagation::who_is_trusted_goes_before_others_and_a_made_up_header_does_not`
//! * A deadline is cut to the bound that was said, and only makes a request be refused sooner:
//!   `lib::http::the_bound_cuts_what_is_asked_for_and_what_is_broken_has_the_default`
//! * A method that is made up, a `HEAD`, or what looks like a preflight gets around no quota, the
//!   last where preflights are counted:
//!   `keys::neither_head_nor_a_method_that_is_made_up_is_a_way_around_the_quota_of_a_route`,
//!   `preflights::what_no_browser_sends_as_a_preflight_spends_a_cell`,
//!   `preflights::preflights_are_counted_if_asked_for_whatever_else_is_amended`
//!
//! # Floods of keys, names and pages
//!
//! A client takes a new address, key or path with each request, to fill the memory or to have its
//! own debts forgotten.
//!
//! * Keys are bounded, and new ones do not move those that have settled:
//!   `rate_threads::clients_that_went_over_their_quota_stay_limited_in_a_flood_of_a_million_keys`,
//!   `lib::gate::a_flood_of_keys_stays_within_the_bound_and_fills_it`,
//!   `fleet::a_flood_of_keys_keeps_within_the_bound`
//! * Routes are patterns of the router, not paths; and they are bounded: `lib::class::the_table_has_a_bound`
//! * Kept answers are bounded in bytes: `stale::a_flood_of_pages_stays_within_the_bytes`
//! * No label of a metric is what a client sent:
//!   `metrics::however_many_statements_and_routes_there_are_the_series_are_bounded`
//! * One client does not fill the queue: clients take turns, and who has the most waiting gives way:
//!   `lib::control::clients_take_turns_and_the_dear_take_fewer`,
//!   `lib::control::who_has_the_most_waiting_gives_way_to_an_equal`,
//!   `lib::control::light_clients_get_what_they_ask_for`
//!
//! # Pages of others
//!
//! A client has an answer kept that is bad for others, or gets one that was made for somebody else.
//!
//! * Never does one user get what was made for another, whatever the answers say, also while they
//!   wait for the same: `stale_privacy::an_answer_for_one_user_never_reaches_another`
//! * Hosts, targets, and what an answer varies by are kept apart; two hosts in one request are no
//!   host: `stale::hosts_and_queries_are_kept_apart`, `stale::variants_are_kept_apart_and_are_bounded`,
//!   `lib::stale::a_host_that_is_smuggled_in_has_pages_of_its_own`
//! * Refusals, parts, and what is about one connection are not kept:
//!   `stale::a_refusal_is_never_kept_whatever_its_status`, `stale::only_what_was_whole_is_kept`,
//!   `stale::what_is_about_one_connection_or_client_is_not_served_to_others`,
//!   `answers::nobody_has_a_refusal_kept_as_a_page_by_calling_it_grpc`
//!
//! # The console
//!
//! It tells names of routes and databases, statements and load to whoever can open it, and has no
//! login: serve it on a port of its own that is not reachable from outside, or behind what checks
//! who asks.
//!
//! * It is only read, and nothing can be changed by it: `console::it_is_only_read`
//! * Whatever is shown is text, and its policy lets no script in:
//!   `console::page_has_nothing_inline_and_nothing_from_elsewhere`,
//!   `console::every_answer_says_what_it_is_and_where_it_belongs`,
//!   `browser::names_are_text_and_the_policy_holds`
//! * It takes no place of the service, and only so many may watch:
//!   `console::it_answers_when_nothing_else_does_and_takes_no_place`, `console::only_so_many_watch_at_once`
//!
//! # What gets into responses, logs and reports
//!
//! A client has a line of its own written into a header, a log or a draft.
//!
//! * Nothing that it sends is in a refusal, an event, a snapshot, an overview, an incident or a
//!   report: `hostile::nothing_that_a_client_sends_is_written_in_a_refusal_an_event_or_a_report`
//! * Texts of statements have no literals in them: `lib::database::no_literal_survives`
//! * Names of quotas, which get into headers, are plain: `lib::gate::zero_and_absurd_quotas_are_found_when_built`
//! * Refusals tell nothing of what is behind the service:
//!   `lib::http::every_reason_is_told_in_every_form_without_a_word_about_the_inside`
//! * A storm of refusals is a line a second in the log: `lib::tracing::a_storm_of_refusals_is_a_line_and_the_rest_when_it_drops`
//!
//! # Keys, and what time tells of them
//!
//! A client looks for others that share its bucket, or for keys that meet in a table.
//!
//! * Keys are hashed by SipHash-2-4 with a secret of the process, or of the fleet; so whoever knows
//!   the code knows no two that meet: `lib::class::the_hash_is_siphash_2_4`,
//!   `hostile::keys_are_others_in_each_process`
//! * They show nothing of what they were made of: `hostile::a_key_does_not_show_what_it_was_made_of`
//! * Nothing here compares secrets, so no time tells of one: API keys are checked by your code. To
//!   send several is no way around a quota: `keys::a_header_that_is_sent_twice_is_no_way_around_its_quota`
//!
//! # Work that grows faster than what is sent
//!
//! * Headers are read once, from the end that counts, and to a bound:
//!   `client_ip::a_huge_header_is_read_to_its_bound`, `lib::http::no_more_than_so_many_hops_are_read`,
//!   `lib::http::lines_beyond_the_limit_are_not_read`
//! * To read a priority or a deadline takes nothing of the heap:
//!   `allocations::a_priority_is_read_without_the_heap_whatever_is_sent`,
//!   `allocations::a_timeout_is_read_without_the_heap_whatever_is_sent`
//! * A statement's text is cut, and one that comes once is not kept:
//!   `lib::database::a_long_text_is_cut_and_stays_apart_from_one_that_begins_alike`,
//!   `lib::database::texts_that_never_come_twice_do_not_grow_it`
//!
//! # Places held for nothing
//!
//! A client reads its answer a byte at a time, or not at all, over thousands of connections.
//!
//! * Where a layer bounds that, by [`body_within`](crate::GateLayer::body_within), a place comes back in
//!   time whether or not anybody reads, and whoever waits for it has it:
//!   `slow_bodies::a_client_that_does_not_read_holds_no_place_for_longer`,
//!   `slow_bodies::who_waits_gets_the_place_that_a_slow_body_gave_back`
//! * What its body asks of a database later counts for its route as before:
//!   `slow_bodies::what_a_body_asks_after_its_time_still_counts_for_its_route`
//!
//! # Games with the limit
//!
//! A client has the service believe that it is overloaded, so that others are refused.
//!
//! * With a database, its queries are timed and not the requests: who reads slowly takes a place, and
//!   lowers no limit and opens no circuit:
//!   `hostile::slow_readers_take_places_and_lower_no_limit_and_open_no_circuit`
//! * A route that takes long by itself is well, and a lock shuts off only the routes that wait for it:
//!   `routes::a_route_whose_queries_take_long_by_themselves_is_well`,
//!   `routes::a_lock_closes_off_only_the_routes_that_wait_for_it`
//! * Who leaves its queries behind does not go unseen:
//!   `breaker::a_query_given_up_when_it_was_slow_already_counts_as_slow`,
//!   `lib::sqlx::what_nobody_waits_for_occupies_a_place_until_it_is_answered`
//! * What the client did wrong says nothing of the load:
//!   `lib::http::a_refusal_says_the_same_about_the_load_in_every_form`,
//!   `lib::http::only_a_gateways_statuses_are_overload`
//! * Dear routes spend more of a quota, by what they cost the database:
//!   `rate_http::a_route_that_is_dear_spends_as_many_cells_more`
//! * Retries are known by what they say, and are not served in the place of first tries:
//!   `retries::no_retry_is_served_in_the_place_of_a_first_try`
//!
//! # What is not defended
//!
//! * **Slow clients, by default.** Who sends the head of a request slowly holds a connection and no
//!   place: hyper ends it by its `header_read_timeout` where it has a timer, which `axum::serve`
//!   does not give it. Who sends a body slowly holds a place while a handler waits for it: read
//!   it [outside of the layer](crate::guide::placing), in a bounded time. Who reads an
//!   answer slowly holds one, too, where that is longer than what is kept for it on the way (some hundred
//!   kB): say [`body_within`](crate::GateLayer::body_within). A timeout inside of the body (tower-http's
//!   `TimeoutBody`) does not help there, since a server asks for no frame while it cannot send one.
//! * **A service without a database** that waits for what its client sends: there the service is
//!   timed from the call to the head of its answer, so clients that send slowly look like load. Read
//!   the body outside of the layer, or [judge](crate::GateLayer::judge) for yourself.
//! * **Made-up retries.** Who says that each of its requests is a retry has, beyond a fifth of all,
//!   the true ones of others told not to come back. Believe the header only where it comes from
//!   services of your own.
//! * **A page that depends on a header which it does not name in `Vary`**, or says `public` of what
//!   is one person's: what a cache is told, it believes.
//! * **Pages that are pushed out.** Who asks for many different pages may have others' copies
//!   forgotten; they are made anew where there is room.
//! * **Who knows the secret of a fleet, or writes to its Redis**: it decides on quotas.
//! * **More connections, or more bytes, than the server takes.** That is for what is in front of it.
//!
//! # Dependencies
//!
//! All are asked for only by the features that need them; without features there is none. None is
//! from elsewhere than the registry. `unsafe` says whether the crate itself has such code;
//! this one forbids it.
//!
//! | crate | for | feature | `unsafe` |
//! |---|---|---|---|
//! | `arc-swap` | settings that are changed while they are read | `tower` | yes |
//! | `axum` | `MatchedPath`, `ConnectInfo`, extractors | `axum` | no |
//! | `bytes` | bodies | `http` | yes |
//! | `futures-util` | streams of rows | `sqlx` | yes |
//! | `governor` | the arithmetic of quotas; its stores are not used | `tower` | yes |
//! | `http` | requests and responses | `http` | yes |
//! | `http-body` | bodies | `http` | yes |
//! | `http-cache-semantics` | what may be kept, by RFC 9111 | `stale` | no |
//! | `httpdate` | dates in headers | `stale`, `client` | no |
//! | `humantime` | times of incidents, as text | `tower` | no |
//! | `metrics` | the facade | `metrics` | yes |
//! | `pin-project` | futures and bodies without `unsafe` of our own | `tower` | yes |
//! | `quick_cache` | kept answers, keys, statements' texts | `tower` | yes |
//! | `rand` | the simulator | `simulate` | yes |
//! | `redis` | the buckets of a fleet | `redis` | yes |
//! | `serde` | reports and settings as values | `serde` | yes |
//! | `serde_json` | the console | `console` | yes |
//! | `sqlx`, `sqlx-core` | the pool; `TransactionManager` is in the second alone | `sqlx` | no |
//! | `tokio` | timers, channels, tasks | `tower` | yes |
//! | `toml` | settings from a file | `toml` | no |
//! | `tower` | `Layer`, `Service`, retries | `tower`, `client` | no |
//! | `tracing`, `tracing-core`, `tracing-subscriber` | the log, and what sqlx logs | `tracing` | yes |
//!
//! Tests look that this table is that of the manifest, that each crate in the tree has one of a few
//! licences, and where it is from. Whether an advisory is out for one of them changes by the day,
//! and has to be asked for where the list of advisories can be had: `cargo audit`.
