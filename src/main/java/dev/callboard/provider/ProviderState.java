package dev.callboard.provider;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Whether a provider can be asked now, and if not, why. Safe for use by any number of threads. */
final class ProviderState {
    /** How long no request may be answered before that is a fault, and not only a pause. */
    static final Duration STUCK_AFTER = Duration.ofMinutes(10);

    private int failures;
    private Instant failingSince;
    private Instant pausedUntil = Instant.MIN;
    private String why = "";
    private boolean refused;

    synchronized boolean isPaused(Instant now) {
        return refused || now.isBefore(pausedUntil);
    }

    /** Whether the provider refuses the key, which only another start changes. */
    synchronized boolean isRefused() {
        return refused;
    }

    /**
     * Why the provider wants no request now, refused keys aside: a look-up by hand may find that the key is accepted
     * again.
     */
    synchronized Optional<String> pause(Instant now) {
        return now.isBefore(pausedUntil) ? Optional.of("paused, " + why) : Optional.empty();
    }

    /** Why the last request was not answered; empty if it was. */
    synchronized Optional<String> failure() {
        return refused || failures > 0 ? Optional.of(why) : Optional.empty();
    }

    /** Why no request has been answered for some time; empty if one was. */
    synchronized Optional<String> fault(Instant now) {
        boolean stuck = failures > 0 && failingSince.plus(STUCK_AFTER).isBefore(now);
        return refused || stuck ? Optional.of(why) : Optional.empty();
    }

    synchronized void succeed() {
        failures = 0;
        refused = false;
    }

    /** Takes note of a failure; returns whether it is the first that refuses the key. */
    synchronized boolean fail(LookupFailedException failure, Instant now) {
        why = failure.getMessage();
        switch (failure.kind()) {
            case NOT_FOUND, REJECTED -> {
                // An answer about the tasks, not about the provider.
            }
            case REFUSED -> {
                boolean first = !refused;
                refused = true;
                return first;
            }
            case THROTTLED, UNAVAILABLE -> {
                if (failures == 0) {
                    failingSince = now;
                }
                failures++;
                pausedUntil = now.plus(failure.retryAfter().orElse(LookupSchedule.pause(failures)));
            }
        }
        return false;
    }
}
