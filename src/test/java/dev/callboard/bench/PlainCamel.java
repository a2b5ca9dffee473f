package dev.callboard.bench;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import org.apache.camel.main.Main;

/**
 * What the benchmark compares Callboard with: a Camel application as it is usually written, which inserts each callback
 * with camel-jdbc before it answers. It has no source check, no schema and no tasks. It has as many workers as Callboard,
 * and a connection for each.
 */
final class PlainCamel {
    private PlainCamel() {}

    public static void main(String[] args) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(System.getenv("CALLBOARD_DATABASE_URL"));
        config.setUsername(System.getenv("CALLBOARD_DATABASE_USER"));
        config.setPassword(System.getenv("CALLBOARD_DATABASE_PASSWORD"));
        config.setMaximumPoolSize(64);
        Main main = new Main();
        main.configure().withRoutesIncludePattern("classpath:plain-route.camel.yaml");
        main.configure()
                .httpServer()
                .withEnabled(true)
                .withHost("127.0.0.1")
                .withPort(Integer.parseInt(System.getenv("CALLBOARD_HTTP_PORT")));
        main.bind("dataSource", new HikariDataSource(config));
        main.bind("vertx", Vertx.vertx(new VertxOptions().setWorkerPoolSize(64)));
        main.run();
    }
}
