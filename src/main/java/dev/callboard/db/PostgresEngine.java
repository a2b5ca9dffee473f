package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;

/** PostgreSQL, which several processes may share. Its commits are durable when they return. */
final class PostgresEngine implements Engine {
    static final String PREFIX = "jdbc:postgresql:";

    private static final String CONNECT_TIMEOUT_SECONDS = "5";
    private static final String SOCKET_TIMEOUT_SECONDS = "30";

    /** Even if the server's default is otherwise. */
    private static final String DURABLE = "SET synchronous_commit = on; ";

    /**
     * Each statement has its index. While a table has no statistics, PostgreSQL would read all of it instead, and keep that
     * plan for as long as the statement stays prepared.
     */
    private static final String INDEXED = "SET enable_seqscan = off; ";

    @Override
    public void configure(HikariConfig config) {
        configureAny(config);
        config.addDataSourceProperty("socketTimeout", SOCKET_TIMEOUT_SECONDS);
        // One statement for many rows. The driver then reports no counts of inserts; recording uses those of updates.
        config.addDataSourceProperty("reWriteBatchedInserts", "true");
        // Limits on the locks of a process that hangs.
        config.setConnectionInitSql(
                DURABLE + INDEXED + "SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '15s'");
    }

    /** Flyway holds a lock in a transaction, which is idle as long as a migration runs in another. */
    @Override
    public void configureForMigrations(HikariConfig config) {
        configureAny(config);
        config.setConnectionInitSql(DURABLE + "SET lock_timeout = 0; SET statement_timeout = 0;"
                + " SET idle_in_transaction_session_timeout = 0");
    }

    @Override
    public void configureForReading(HikariConfig config) {
        configureAny(config);
        config.setReadOnly(true);
    }

    private static void configureAny(HikariConfig config) {
        // The server's messages may quote the values of a row, which come from the provider.
        config.addDataSourceProperty("logServerErrorDetail", "false");
        config.addDataSourceProperty("connectTimeout", CONNECT_TIMEOUT_SECONDS);
        config.addDataSourceProperty("tcpKeepAlive", "true");
        config.addDataSourceProperty("ApplicationName", "callboard");
    }

    @Override
    public void limitStatements(HikariConfig config, int milliseconds) {
        config.setConnectionInitSql(config.getConnectionInitSql() + "; SET statement_timeout = " + milliseconds);
    }

    @Override
    public String orderByCode() {
        return "COLLATE \"C\"";
    }

    /** Two, so that not all callbacks wait while another process holds the lock of one group's task. */
    @Override
    public int writers() {
        return 2;
    }
}
