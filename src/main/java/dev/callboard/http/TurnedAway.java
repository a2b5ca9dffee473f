package dev.callboard.http;

import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.http.HttpServerResponse;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers 503 with Retry-After to a request that can't be taken now. No provider promises to send again, so each is
 * counted as a possible loss, and the log says so at most once a minute. Safe for any number of threads.
 */
final class TurnedAway {
    private static final Logger LOG = LoggerFactory.getLogger(TurnedAway.class);
    private static final Duration PAUSE = Duration.ofMinutes(1);
    private static final String RETRY_AFTER_SECONDS = "5";

    private final Clock clock;
    private final MeterRegistry meters;
    private final AtomicReference<Instant> silentUntil = new AtomicReference<>(Instant.MIN);

    TurnedAway(Clock clock, MeterRegistry meters) {
        this.clock = clock;
        this.meters = meters;
    }

    /**
     * @param reason the counter's word
     * @param why for the log
     */
    void answer(HttpServerResponse response, String reason, String why) {
        meters.counter("callboard.http.turned.away", "reason", reason).increment();
        response.setStatusCode(503)
                .putHeader("Retry-After", RETRY_AFTER_SECONDS)
                .end();
        Instant now = clock.instant();
        Instant silent = silentUntil.get();
        if (!now.isBefore(silent) && silentUntil.compareAndSet(silent, now.plus(PAUSE))) {
            LOG.warn(
                    "requests are answered 503: {}; a callback among them is lost unless its provider repeats it", why);
        }
    }
}
