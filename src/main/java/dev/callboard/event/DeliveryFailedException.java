package dev.callboard.event;

import java.time.Duration;
import java.util.Optional;

/** The receiver did not take an event. The message says why, on one line, and quotes no secret. */
public final class DeliveryFailedException extends Exception {
    private static final long serialVersionUID = 1;

    private final Kind kind;
    private final transient Optional<Duration> retryAfter;

    /** What a failure means for other events. */
    enum Kind {
        /** The receiver does not want this event; others may be different. */
        REJECTED,
        /** The receiver does not work at the moment. */
        UNAVAILABLE,
        /** The receiver wants no request for some time. */
        THROTTLED,
        /** The receiver is gone for good. */
        GONE
    }

    DeliveryFailedException(Kind kind, String message) {
        this(kind, message, Optional.empty());
    }

    DeliveryFailedException(Kind kind, String message, Optional<Duration> retryAfter) {
        // Without a stack trace: the cause is in the message, and it may happen often.
        super(message, null, false, false);
        this.kind = kind;
        this.retryAfter = retryAfter;
    }

    Kind kind() {
        return kind;
    }

    /** How long the receiver wants no request; empty if it does not say. */
    Optional<Duration> retryAfter() {
        return retryAfter == null ? Optional.empty() : retryAfter;
    }
}
