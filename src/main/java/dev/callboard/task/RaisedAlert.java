package dev.callboard.task;

import dev.callboard.alert.AlertKind;
import java.util.List;
import java.util.Optional;

/**
 * The one alert that a callback raises: its most important kind, with the other kinds that apply.
 *
 * @param kind the code of the kind
 * @param otherKinds the codes of the others, which its mail names; may be empty
 * @param revision the task's revision after the callback
 * @param dedupKey for a kind that is raised once a day or hour; otherwise it is raised once a revision of its task
 */
record RaisedAlert(Callback callback, String kind, List<String> otherKinds, int revision, Optional<String> dedupKey) {

    /**
     * The alert that a callback raises; empty if none of its kinds applies.
     *
     * @param applied whether the callback is applied to its task; if it is stale, only some kinds are raised
     */
    static Optional<RaisedAlert> of(Callback callback, boolean applied, int revision) {
        List<String> kinds = callback.alerts().stream()
                .filter(kind -> applied || AlertKind.of(kind).isRaisedByStaleCallback())
                .toList();
        if (kinds.isEmpty()) {
            return Optional.empty();
        }
        String about = callback.provider() + " " + callback.status();
        return Optional.of(new RaisedAlert(
                callback,
                kinds.get(0),
                kinds.subList(1, kinds.size()),
                revision,
                AlertKind.of(kinds.get(0)).dedupKey(about, callback.receivedAt())));
    }
}
