package dev.callboard.provider;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * The health check {@code lookups} on {@code /observe/health}: DOWN, with the reason, while a provider refuses the API
 * key, or has not answered for {@link ProviderState#STUCK_AFTER}. Readiness and liveness do not depend on it, since
 * callbacks are recorded all the same. A provider without a key is no fault. Safe for use by any number of threads.
 */
public final class LookupHealthCheck extends AbstractHealthCheck {
    private final Collection<String> providers;
    private final Function<String, Optional<String>> fault;

    /** @param fault why the tasks of a provider have not been looked up for some time; empty if they are, or need not be */
    public LookupHealthCheck(Collection<String> providers, Function<String, Optional<String>> fault) {
        super("callboard", "lookups");
        this.providers = providers;
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
        String faults = providers.stream()
                .flatMap(provider ->
                        fault
                                .apply(provider)
                                .map(why -> "the tasks of " + provider + " are not looked up: " + why)
                                .stream())
                .collect(Collectors.joining("; "));
        if (faults.isEmpty()) {
            builder.up();
        } else {
            builder.message(faults).down();
        }
    }
}
