package dev.callboard.db;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** DOWN while the database does not answer a query of the table of callbacks. */
public final class DatabaseHealthCheck extends AbstractHealthCheck {
    private static final int QUERY_TIMEOUT_SECONDS = 5;

    private final Database database;

    public DatabaseHealthCheck(Database database) {
        super("callboard", "database");
        this.database = database;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(QUERY_TIMEOUT_SECONDS);
            statement.execute("SELECT callback_id FROM callback FETCH FIRST 1 ROW ONLY");
            builder.up();
        } catch (SQLException e) {
            builder.message("the database does not answer (" + SqlErrors.describe(e) + ")")
                    .down();
        }
    }
}
