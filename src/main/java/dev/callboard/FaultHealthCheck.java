package dev.callboard;

import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * A health check on {@code /observe/health} of a part that callbacks do not need: DOWN, with the reason, while the part has a
 * fault. Readiness and liveness do not depend on it, since callbacks are recorded all the same. Safe for use by any number of
 * threads if the part is.
 */
final class FaultHealthCheck extends AbstractHealthCheck {
    private final Supplier<Optional<String>> fault;

    /** @param fault what the part can't do and why; empty if it can */
    FaultHealthCheck(String id, Supplier<Optional<String>> fault) {
        super("callboard", id);
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
        fault.get().ifPresentOrElse(why -> builder.message(why).down(), builder::up);
    }
}
