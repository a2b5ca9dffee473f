package dev.callboard.provider;

import java.time.Duration;
import java.util.Optional;

/** A request to a provider's API brought no answer about the tasks that it asked for. Its message has no secret. */
public final class LookupFailedException extends Exception {
    private static final long serialVersionUID = 1;

    /** What the failure means for the requests that follow. */
    public enum Kind {
        /** The API does not accept the key. No request makes sense until that is changed. */
        REFUSED,
        /** There were too many requests. */
        THROTTLED,
        /** The API does not know what it was asked for. */
        NOT_FOUND,
        /** The API rejects the request for what it asks for: one of the tasks, or all. */
        REJECTED,
        /** Anything else: the network, an error of the API, an answer that can't be read. */
        UNAVAILABLE
    }

    private final Kind kind;
    private final transient Optional<Duration> retryAfter;

    LookupFailedException(Kind kind, String message) {
        this(kind, message, Optional.empty());
    }

    /** @param retryAfter for how long the API wants no request; empty if it does not say */
    LookupFailedException(Kind kind, String message, Optional<Duration> retryAfter) {
        super(message);
        this.kind = kind;
        this.retryAfter = retryAfter;
    }

    /** Whether it is an answer about the tasks that were asked for, and not about the provider. */
    boolean isAboutTasks() {
        return kind == Kind.NOT_FOUND || kind == Kind.REJECTED;
    }

    Kind kind() {
        return kind;
    }

    Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
