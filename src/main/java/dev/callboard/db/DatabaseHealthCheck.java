package dev.callboard.db;

import java.sql.SQLException;
import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** DOWN while the database does not commit what callbacks write. */
public final class DatabaseHealthCheck extends AbstractHealthCheck {
    private final Write write;

    /** Writes as a callback does, or reports that one could not. */
    @FunctionalInterface
    public interface Write {
        void check() throws SQLException;
    }

    public DatabaseHealthCheck(Write write) {
        super("callboard", "database");
        this.write = write;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        try {
            write.check();
            builder.up();
        } catch (SQLException e) {
            builder.message("the database does not commit (" + SqlErrors.describe(e) + ")")
                    .down();
        }
    }
}
