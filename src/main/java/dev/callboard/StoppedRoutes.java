package dev.callboard;

import dev.callboard.db.Database;
import dev.callboard.http.ManagementServer;
import dev.callboard.http.RouteGuard;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Comparator;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.spi.PlatformHttpEngine;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.support.service.ServiceSupport;

/**
 * The routes of the settings, read and checked as for a start, but not started: no port is opened, no timer runs, and the
 * database of the settings is not touched. The beans have an empty database of their own in a temporary folder.
 */
public final class StoppedRoutes implements AutoCloseable {
    private final Main main = new Main();
    private final PrometheusMeterRegistry metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Vertx vertx =
            Callboard.vertx(new VertxOptions().setWorkerPoolSize(1).setEventLoopPoolSize(1));
    private final Path folder;
    private Database database;
    private Beans beans;
    private RouteGuard guard;
    private RouteCheck check;

    private StoppedRoutes() {
        try {
            folder = Files.createTempDirectory("callboard-check");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Reads and checks the routes, the schemas, the recipients and the templates of mails.
     *
     * @throws StartException if a start would fail because of one of them
     */
    public static StoppedRoutes read(Settings settings) {
        StoppedRoutes routes = new StoppedRoutes();
        try {
            routes.start(settings);
            return routes;
        } catch (Exception e) {
            routes.close();
            throw Callboard.why(e, routes.guard);
        }
    }

    private void start(Settings settings) throws Exception {
        String file = folder.resolve("callboard").toString();
        database = Database.open(
                new Settings.Database(Settings.Database.DEFAULT_URL.replace("./data/callboard", file), "sa", ""));
        Callboard.configure(main, settings);
        main.configure().setAutoStartup(false);
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                CamelContext camel = support.getCamelContext();
                Clock clock = Clock.systemUTC();
                beans = new Beans(settings, clock, metrics, camel.getRegistry());
                beans.bind(vertx, new ManagementServer(settings, clock, metrics));
                guard = Callboard.watch(camel, settings);
                check = new RouteCheck(camel, guard, beans.alertKinds());
                camel.getRegistry().bind("routeCheck", check);
            }

            @Override
            public void afterConfigure(BaseMainSupport support) {
                CamelContext camel = support.getCamelContext();
                beans.bind(camel, database);
                Callboard.attach(camel, "platform-http", new NoServer());
                Callboard.attach(camel, "management-http", new NoServer());
            }
        });
        main.start();
        guard.checkProviders();
        check.check();
    }

    /** The context of the routes. A route that does not begin at a port or a timer may be started. */
    public CamelContext camel() {
        return main.getCamelContext();
    }

    @Override
    public void close() {
        Callboard.stop("the routes", main::stop);
        Callboard.stop("recording", beans);
        Callboard.stop("the database", database);
        Callboard.stop("the threads", () -> Callboard.close(vertx));
        Callboard.stop("the temporary folder", () -> delete(folder));
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** An engine that serves no path. */
    private static final class NoServer extends ServiceSupport implements PlatformHttpEngine {
        @Override
        public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor route) {
            return new NoConsumer(endpoint, route);
        }

        @Override
        public int getServerPort() {
            return 0;
        }
    }

    private static final class NoConsumer extends DefaultConsumer implements PlatformHttpConsumer {
        NoConsumer(PlatformHttpEndpoint endpoint, Processor route) {
            super(endpoint, route);
        }

        @Override
        public PlatformHttpEndpoint getEndpoint() {
            return (PlatformHttpEndpoint) super.getEndpoint();
        }
    }
}
