package dev.callboard.callback;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import dev.callboard.text.SafeText;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code quarantine}: keeps the callbacks that are invalid or were not recorded, until they are replayed, dismissed
 * or evicted. Each provider has its own limits, so that one cannot evict the callbacks of another. Safe for use by any
 * number of threads and processes.
 *
 * <p>A body is kept as text if the text is exactly what was received. Otherwise, since it is not UTF-8 or has U+0000, the
 * text is for people and the bytes are kept beside it.
 */
public final class Quarantine {
    /** How many callbacks of a provider are kept; the older ones are evicted. */
    public static final int MAX_CALLBACKS = 1000;

    /** How many bytes the bodies of a provider may have together; the newest one is kept in any case. */
    public static final int MAX_BYTES = 50_000_000;

    private static final int MAX_PROVIDER = 50;
    private static final int MAX_CLIENT_ADDRESS = 50;
    private static final int MAX_BUSINESS_ID = 200;
    private static final int MAX_FAMILY = 50;
    private static final int MAX_REASON = 2000;

    private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

    private static final SqlFile SQL = SqlFile.read("quarantine");

    private static final String INSERT = SQL.statement("insert-callback");
    private static final String LOCK_EXCESS = SQL.statement("lock-excess");
    private static final String DELETE = SQL.statement("delete-callback");
    private static final String DELETE_OF_PROVIDER = SQL.statement("delete-callbacks-of-provider");
    private static final String SELECT = SQL.statement("select-callback");
    private static final String SELECT_BODY = SQL.statement("select-body");

    private final Database database;
    private final MeterRegistry metrics;
    private final Clock clock;

    /** @param providers for which the counter of evictions begins at 0 */
    public Quarantine(Database database, MeterRegistry metrics, Set<String> providers, Clock clock) {
        this.database = database;
        this.metrics = metrics;
        this.clock = clock;
        providers.forEach(this::evictions);
    }

    private Counter evictions(String provider) {
        return Counter.builder("callboard.quarantine.evicted")
                .description("Callbacks that were deleted from the quarantine, since newer ones exceeded its limits")
                .tag("provider", provider)
                .register(metrics);
    }

    /**
     * Keeps the callback that the variables {@code provider}, {@code clientAddress}, {@code businessId}, {@code family},
     * {@code payload}, {@code payloadBytes} and {@code reason} describe, and evicts the oldest ones of its provider beyond
     * the limits, in one transaction. A text that is too long is cut.
     *
     * @return how many were evicted
     */
    public int keep(Exchange exchange) throws SQLException {
        String provider = SafeText.field(exchange.getVariable("provider"), MAX_PROVIDER);
        int evicted = database.transact(connection -> {
            insert(connection, provider, exchange);
            return delete(connection, excess(connection, provider));
        });
        if (evicted > 0) {
            evictions(provider).increment(evicted);
            LOG.warn(
                    "quarantine full provider={} evicted={} (the oldest callbacks are deleted; correct the schema and"
                            + " POST /quarantine/replay, or dismiss them)",
                    provider,
                    evicted);
        }
        return evicted;
    }

    private void insert(Connection connection, String provider, Exchange exchange) throws SQLException {
        String payload = exchange.getVariable("payload", "", String.class);
        byte[] bytes = exchange.getVariable("payloadBytes", byte[].class);
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            insert.setObject(1, UUID.randomUUID());
            insert.setString(2, provider);
            insert.setString(3, SafeText.field(exchange.getVariable("clientAddress"), MAX_CLIENT_ADDRESS));
            insert.setString(4, SafeText.field(exchange.getVariable("businessId"), MAX_BUSINESS_ID));
            insert.setString(5, SafeText.field(exchange.getVariable("family"), MAX_FAMILY));
            insert.setString(6, SafeText.storable(exchange.getVariable("reason", String.class), MAX_REASON));
            insert.setString(7, SafeText.storable(payload, Integer.MAX_VALUE));
            insert.setBytes(8, bytes);
            insert.setInt(9, (bytes == null ? payload.getBytes(StandardCharsets.UTF_8) : bytes).length);
            SqlTimes.set(insert, 10, clock.instant().truncatedTo(ChronoUnit.MICROS));
            insert.executeUpdate();
        }
    }

    /** The callbacks of a provider beyond its limits, locked; without those that another transaction evicts just now. */
    private static List<UUID> excess(Connection connection, String provider) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(LOCK_EXCESS)) {
            select.setString(1, provider);
            select.setInt(2, MAX_CALLBACKS);
            select.setLong(3, MAX_BYTES);
            List<UUID> ids = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    ids.add(row.getObject("quarantine_id", UUID.class));
                }
            }
            return ids;
        }
    }

    private static int delete(Connection connection, List<UUID> ids) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(DELETE)) {
            int deleted = 0;
            for (UUID id : ids) {
                delete.setObject(1, id);
                deleted += delete.executeUpdate();
            }
            return deleted;
        }
    }

    /**
     * Deletes a callback.
     *
     * @param id its id, as the caller sent it
     * @return whether there was one
     */
    public boolean dismiss(@Header("id") String id) throws SQLException {
        Optional<UUID> uuid = uuid(id);
        if (uuid.isEmpty()) {
            return false;
        }
        return database.run(connection -> delete(connection, List.of(uuid.get()))) == 1;
    }

    /** Deletes all callbacks of a provider; returns their number. */
    public int dismissAll(@Header("provider") String provider) throws SQLException {
        return database.run(connection -> {
            try (PreparedStatement delete = connection.prepareStatement(DELETE_OF_PROVIDER)) {
                delete.setString(1, provider);
                return delete.executeUpdate();
            }
        });
    }

    /** The body of a callback as it was received, but without our token; null if there is no such callback. */
    public byte[] body(@Header("id") String id) throws SQLException {
        Optional<UUID> uuid = uuid(id);
        if (uuid.isEmpty()) {
            return null;
        }
        return database.run(connection -> {
            try (PreparedStatement select = connection.prepareStatement(SELECT_BODY)) {
                select.setObject(1, uuid.get());
                try (ResultSet row = select.executeQuery()) {
                    return row.next() ? body(row) : null;
                }
            }
        });
    }

    private static byte[] body(ResultSet row) throws SQLException {
        byte[] bytes = row.getBytes("bytes");
        return bytes == null ? row.getString("payload").getBytes(StandardCharsets.UTF_8) : bytes;
    }

    /**
     * Sets the variables and the body to those of a callback, so that it can take the way of a new one, and the variable
     * {@code loaded} to whether there is such a callback.
     *
     * @param id its id; a {@link UUID} or what the caller sent
     */
    public void load(@Body Object id, Exchange exchange) throws SQLException {
        exchange.setVariable("loaded", false);
        Optional<UUID> uuid = uuid(String.valueOf(id));
        if (uuid.isPresent()) {
            exchange.setVariable("loaded", database.run(connection -> load(uuid.get(), exchange, connection)));
        }
    }

    private static boolean load(UUID id, Exchange exchange, Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT)) {
            select.setObject(1, id);
            try (ResultSet row = select.executeQuery()) {
                if (row.next()) {
                    exchange.setVariable("quarantineId", id.toString());
                    exchange.setVariable("provider", row.getString("provider"));
                    exchange.setVariable("clientAddress", row.getString("client_address"));
                    exchange.setVariable("businessId", row.getString("business_id"));
                    exchange.setVariable("family", row.getString("family"));
                    exchange.setVariable(
                            "receivedAt", SqlTimes.get(row, "received_at").atOffset(ZoneOffset.UTC));
                    exchange.setVariable("origin", "replay");
                    exchange.getMessage().setBody(body(row));
                    return true;
                }
                return false;
            }
        }
    }

    private static Optional<UUID> uuid(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
