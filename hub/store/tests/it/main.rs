//! The repositories over a real SQLite file and a real PostgreSQL: one suite for both.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests may fail loudly

mod durability;
mod gone;
mod place;
mod postgres;
mod proxy;
mod registered;
mod rights;
mod sandboxed;
mod shared;
mod signed_in;
mod suite;
mod told;

/// Makes of every function two tests, `sqlite::…` and `postgresql::…`.
macro_rules! on_both {
    ($($file:ident :: $name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                crate::$file::$name(crate::place::Place::lite()).await;
            })*
        }
        mod postgresql {
            $(#[tokio::test]
            async fn $name() {
                crate::place::on_postgres(crate::$file::$name).await;
            })*
        }
    };
}

on_both! {
    rights::a_yes_ends_when_taken_back_or_replaced,
    rights::a_mandate_is_accepted_by_one_and_ended_by_either,
    suite::a_submission_goes_its_way,
    suite::a_submission_is_taken_by_one_only,
    suite::due_submissions_are_taken_oldest_first_and_the_rest_later,
    suite::a_damaged_submission_goes_to_a_person_and_holds_up_no_other,
    suite::an_idempotency_key_runs_once,
    suite::a_key_whose_holder_died_is_free_only_if_nothing_was_accepted,
    suite::a_paper_is_its_owners_only_and_forgotten_when_unused,
    suite::clients_and_keys,
    suite::lists_are_ordered_by_bytes,
    suite::a_write_that_fails_leaves_its_neighbours_alone,
    suite::what_one_database_refuses_the_other_refuses_too,
    suite::a_caller_who_leaves_leaves_nothing_half_way,
    suite::workers_with_runtimes_of_their_own_share_it,
    suite::closing_waits_for_what_is_under_way,
    suite::who_gives_up_in_the_middle_of_a_read_takes_nothing_from_others,
    shared::submissions_of_one_subject_keep_their_order,
    shared::a_person_decides_about_what_nobody_can_tell,
    shared::what_a_dead_node_was_at_is_due_when_it_starts_again,
    shared::q18_one_hub_logs_in_for_all,
    shared::q22_a_budget_is_never_given_twice,
    shared::hubs_know_their_place,
    shared::q23_a_case_changes_from_the_version_that_was_read,
    shared::q27_orders_and_what_statements_say_differently,
    registered::agencies_and_their_people,
    registered::a_version_changes_from_what_was_seen,
    registered::clients_are_told_once_and_counted,
    registered::what_clients_sent_is_known_by_field,
    registered::a_person_sees_who_used_what_and_nobody_else_does,
    sandboxed::a_world_is_written_forked_and_kept,
    sandboxed::worlds_freeze_and_are_shared,
    sandboxed::calls_are_found_by_what_they_were,
    told::events_are_numbered_in_the_order_in_which_they_can_be_seen,
    told::a_delivery_is_made_once_and_tried_by_one_hub,
    told::a_tenant_runs_one_verification_at_a_time,
    signed_in::applications_are_kept_as_registered,
    signed_in::a_pushed_request_is_taken_once_by_its_client,
    signed_in::a_session_is_found_by_its_cookie_until_it_ends,
    signed_in::of_many_who_use_one_code_one_succeeds,
    signed_in::of_many_who_rotate_one_token_one_succeeds,
    signed_in::families_die_with_session_and_consent,
    signed_in::every_change_of_a_consent_is_an_epoch,
    signed_in::whoever_agrees_or_signs_in_twice_at_once_is_told_no_error,
    signed_in::a_mark_comes_first_once,
    signed_in::a_dance_is_taken_once_by_its_browser_at_its_provider,
    signed_in::whoever_links_at_once_is_told_the_same_account,
    signed_in::sessions_that_came_from_a_provider_are_found_by_person_and_session,
    durability::dropped_without_closing_everything_acknowledged_is_there,
    durability::a_killed_process_has_kept_what_it_acknowledged,
    durability::nothing_personal_is_readable_in_the_data,
    durability::the_master_key_is_guarded,
    durability::a_sealed_value_does_not_move,
    durability::data_of_a_newer_hub_are_left_alone,
}
