package dev.callboard.event;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Whether the receiver takes events now. If {@link #MAX_FAILING_TASKS} tasks in a row were not taken, it is down: it gets one
 * event at a time until it takes one. Safe for use by any number of threads.
 */
final class ReceiverState {
    /** How many tasks in a row must fail until the receiver is down, so that one bad event does not make it so. */
    static final int MAX_FAILING_TASKS = 10;

    /** How long it may take nothing before that is a fault, and not only a pause. */
    static final Duration STUCK_AFTER = Duration.ofMinutes(10);

    private final Set<String> failingTasks = new HashSet<>();
    private Instant failingSince = Instant.MAX;
    private Instant pausedUntil = Instant.MIN;
    private Instant nextProbe = Instant.MIN;
    private int probes;
    private boolean down;
    private boolean gone;
    private String why = "";

    /** What a failure has changed. */
    enum Change {
        NONE,
        /** It is down from now on. */
        DOWN,
        /** It is paused from now on. */
        PAUSED,
        /** It is gone from now on. */
        GONE
    }

    /**
     * How many more events may be attempted now.
     *
     * @param inFlight how many are
     * @param max how many may be
     */
    synchronized int room(Instant now, int inFlight, int max) {
        if (gone || now.isBefore(pausedUntil)) {
            return 0;
        }
        if (down) {
            return inFlight == 0 && !now.isBefore(nextProbe) ? 1 : 0;
        }
        return Math.max(0, max - inFlight);
    }

    /** Whether an event that waits for a thread may still be attempted. */
    synchronized boolean permits(Instant now, boolean isProbe) {
        return !gone && !now.isBefore(pausedUntil) && (!down || isProbe);
    }

    /** Why the last event was not taken. */
    synchronized String why() {
        return why;
    }

    synchronized boolean isDown() {
        return down;
    }

    /** Takes note that an event was taken; returns whether the receiver was down. */
    synchronized boolean succeed() {
        boolean wasDown = down;
        failingTasks.clear();
        failingSince = Instant.MAX;
        down = false;
        probes = 0;
        return wasDown;
    }

    /**
     * Takes note that an event was not taken.
     *
     * @param task of the event
     * @param isProbe whether the receiver was down when the attempt began
     */
    synchronized Change fail(String task, boolean isProbe, DeliveryFailedException failure, Instant now) {
        switch (failure.kind()) {
            case REJECTED -> {
                // An answer about this event: the receiver works.
                if (isProbe) {
                    putOffProbe(now);
                }
                return Change.NONE;
            }
            case GONE -> {
                why = failure.getMessage();
                boolean first = !gone;
                gone = true;
                return first ? Change.GONE : Change.NONE;
            }
            case THROTTLED -> {
                why = failure.getMessage();
                noteFailing(now);
                Instant until = now.plus(failure.retryAfter().orElse(DeliverySchedule.FIRST));
                boolean first = !now.isBefore(pausedUntil);
                pausedUntil = until.isAfter(pausedUntil) ? until : pausedUntil;
                return first ? Change.PAUSED : Change.NONE;
            }
            case UNAVAILABLE -> {
                why = failure.getMessage();
                noteFailing(now);
                failingTasks.add(task);
                if (isProbe) {
                    putOffProbe(now);
                }
                if (down || failingTasks.size() < MAX_FAILING_TASKS) {
                    return Change.NONE;
                }
                down = true;
                failingTasks.clear();
                putOffProbe(now);
                return Change.DOWN;
            }
        }
        return Change.NONE;
    }

    private void noteFailing(Instant now) {
        if (now.isBefore(failingSince)) {
            failingSince = now;
        }
    }

    private void putOffProbe(Instant now) {
        nextProbe = now.plus(DeliverySchedule.probe(probes));
        probes++;
    }

    /** Why the receiver takes nothing, if it has not for some time, or is gone; empty otherwise. */
    synchronized Optional<String> fault(Instant now) {
        boolean stuck = !failingSince.equals(Instant.MAX)
                && failingSince.plus(STUCK_AFTER).isBefore(now);
        return gone || stuck ? Optional.of(why) : Optional.empty();
    }
}
