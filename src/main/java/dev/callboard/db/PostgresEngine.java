package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;

/** PostgreSQL, which several processes may share. Its commits are durable when they return. */
final class PostgresEngine implements Engine {
    static final String PREFIX = "jdbc:postgresql:";

    private static final String CONNECT_TIMEOUT_SECONDS = "5";
    private static final String SOCKET_TIMEOUT_SECONDS = "30";

    @Override
    public void configure(HikariConfig config) {
        // The server's messages may quote the values of a row, which come from the provider.
        config.addDataSourceProperty("logServerErrorDetail", "false");
        config.addDataSourceProperty("connectTimeout", CONNECT_TIMEOUT_SECONDS);
        config.addDataSourceProperty("socketTimeout", SOCKET_TIMEOUT_SECONDS);
        config.addDataSourceProperty("tcpKeepAlive", "true");
        // One statement for many rows. The driver then reports no counts of inserts; recording uses those of updates.
        config.addDataSourceProperty("reWriteBatchedInserts", "true");
        config.addDataSourceProperty("ApplicationName", "callboard");
        // Durable commits, even if the server's default is otherwise; and limits on the locks of a process that hangs.
        config.setConnectionInitSql("SET synchronous_commit = on; SET lock_timeout = '3s';"
                + " SET idle_in_transaction_session_timeout = '15s'");
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
