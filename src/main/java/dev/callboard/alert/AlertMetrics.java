package dev.callboard.alert;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bean {@code alertMetrics}: the metrics of alerts and mails on {@code /observe/metrics}. Counters begin at 0 with
 * the process; gauges, and the health check of mails, show the database as it was when {@link #refresh} was called last.
 * Safe for any number of threads.
 */
public final class AlertMetrics {
    private static final SqlFile SQL = SqlFile.read("outbox");

    private static final String COUNT_ALERTS = SQL.statement("count-alerts");
    private static final String SELECT_OLDEST_FAILING_MAIL = SQL.statement("select-oldest-failing-mail");

    private final Database database;
    private final MailHealth health;
    private final Clock clock;
    private final RequestCounts requests;
    private final Map<Channel, Counter> sent = new EnumMap<>(Channel.class);
    private final Map<Channel, Counter> failures = new EnumMap<>(Channel.class);
    private final AtomicLong pending = new AtomicLong();
    private final AtomicLong undeliverable = new AtomicLong();
    private final AtomicLong oldestPendingSeconds = new AtomicLong();

    public AlertMetrics(MeterRegistry registry, Database database, MailHealth health, Clock clock) {
        this.database = database;
        this.health = health;
        this.clock = clock;
        this.requests = new RequestCounts(registry, clock);
        sent.put(
                Channel.MAIL,
                counter(
                        registry,
                        "callboard.alerts.sent",
                        "Alerts that a mail server accepted, or that became a file"));
        sent.put(Channel.WEBHOOK, counter(registry, "callboard.alerts.chat.sent", "Alerts that the chat accepted"));
        failures.put(
                Channel.MAIL,
                counter(
                        registry,
                        "callboard.mail.failures",
                        "Attempts to send a mail that did not reach all of its recipients"));
        failures.put(
                Channel.WEBHOOK,
                counter(registry, "callboard.chat.failures", "Attempts to post to the chat that it did not accept"));
        gauge(registry, "callboard.alerts.pending", "Alerts that no recipient has received yet", pending);
        gauge(
                registry,
                "callboard.alerts.undeliverable",
                "Alerts that every recipient rejected for good; correct the settings and restart",
                undeliverable);
        gauge(
                registry,
                "callboard.alerts.oldest.pending.seconds",
                "The age of the oldest pending alert",
                oldestPendingSeconds);
    }

    private static Counter counter(MeterRegistry registry, String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private static void gauge(MeterRegistry registry, String name, String description, AtomicLong value) {
        Gauge.builder(name, value, AtomicLong::get).description(description).register(registry);
    }

    void countSent(Channel channel, long alerts) {
        sent.get(channel).increment((double) alerts);
    }

    void countFailure(Channel channel) {
        failures.get(channel).increment();
    }

    /** How many requests to the callback URL of a provider were rejected, and the like. */
    RequestCounts.Counts requests(String provider) {
        return requests.of(provider);
    }

    /** Counts the alerts in the database, and looks for mails that no server accepts. */
    public void refresh() throws SQLException {
        requests.sample();
        database.run(this::count);
    }

    private Void count(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(COUNT_ALERTS);
                ResultSet row = select.executeQuery()) {
            row.next();
            Instant oldest = SqlTimes.get(row, "oldest_pending");
            pending.set(row.getLong("pending"));
            undeliverable.set(row.getLong("undeliverable"));
            oldestPendingSeconds.set(
                    oldest == null
                            ? 0
                            : Duration.between(oldest, clock.instant()).toSeconds());
        }
        for (Channel channel : Channel.values()) {
            health.updateStuck(
                    channel,
                    oldestFailing(connection, channel).filter(since -> MailHealth.isStuck(since, clock.instant())));
        }
        return null;
    }

    private static Optional<Instant> oldestFailing(Connection connection, Channel channel) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT_OLDEST_FAILING_MAIL)) {
            select.setString(1, channel.code());
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return Optional.ofNullable(SqlTimes.get(row, "created_at"));
            }
        }
    }
}
