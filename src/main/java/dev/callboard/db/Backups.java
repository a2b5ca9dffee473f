package dev.callboard.db;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code backups} of {@code POST /backup}. One backup at a time, since each takes the space of the whole file. Safe
 * for use by any number of threads.
 */
public final class Backups {
    private static final Logger LOG = LoggerFactory.getLogger(Backups.class);

    private final Database database;
    private final AtomicBoolean underWay = new AtomicBoolean();

    public Backups(Database database) {
        this.database = database;
    }

    /**
     * Replaces the body by the content of a new backup, and sets the variable {@code code}: 200, 409 while another backup
     * has not been sent completely, or 501 on PostgreSQL; then the body says why.
     */
    public void write(Exchange exchange) throws SQLException, IOException {
        if (!underWay.compareAndSet(false, true)) {
            answer(exchange, 409, "A backup is being sent; try again when it is done.\n");
            return;
        }
        Optional<InputStream> content = Optional.empty();
        try {
            content = database.backup();
        } finally {
            if (content.isEmpty()) {
                underWay.set(false);
            }
        }
        if (content.isPresent()) {
            LOG.info("sends a backup of the database");
            answer(exchange, 200, new FilterInputStream(content.get()) {
                @Override
                public void close() throws IOException {
                    super.close();
                    underWay.set(false);
                }
            });
        } else {
            answer(exchange, 501, "The database is PostgreSQL; use pg_dump.\n");
        }
    }

    private static void answer(Exchange exchange, int code, Object body) {
        exchange.setVariable("code", code);
        exchange.getMessage().setBody(body);
    }
}
