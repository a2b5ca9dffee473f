package dev.callboard.event;

import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * The health check {@code events} on {@code /observe/health}: DOWN, with the reason, while the receiver has taken no event
 * for {@link ReceiverState#STUCK_AFTER}, or is gone. Readiness and liveness do not depend on it, since callbacks are recorded
 * all the same. Safe for use by any number of threads.
 */
public final class EventHealthCheck extends AbstractHealthCheck {
    private final Supplier<Optional<String>> fault;

    /** @param fault why events have not been delivered for some time; empty if they are, or need not be */
    public EventHealthCheck(Supplier<Optional<String>> fault) {
        super("callboard", "events");
        this.fault = fault;
    }

    @Override
    public boolean isReadiness() {
        return false;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        Optional<String> why = fault.get();
        if (why.isEmpty()) {
            builder.up();
        } else {
            builder.message("events are not delivered: " + why.get()).down();
        }
    }
}
