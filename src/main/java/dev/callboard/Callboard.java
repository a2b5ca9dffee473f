package dev.callboard;

import dev.callboard.db.Database;
import dev.callboard.http.PublicServer;
import dev.callboard.http.RouteGuard;
import dev.callboard.http.RouterEngine;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.task.GroupCommit;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.component.direct.DirectComponent;
import org.apache.camel.component.platform.http.PlatformHttpComponent;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The application: starts and stops the database, the two HTTP servers and the routes. One process can run several, each
 * with its own ports and database, as the tests do.
 */
public final class Callboard implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Callboard.class);

    /** The routes in the jar, beside those of the user. */
    private static final String INTERNAL_ROUTES = "classpath:camel/*.camel.yaml";

    /** How long a call waits for a route that is replaced at this moment. */
    private static final Duration RELOAD_TIMEOUT = Duration.ofSeconds(10);

    private final Settings settings;
    private final Clock clock;
    private final CompletableFuture<Database> opening;
    private final Vertx vertx;
    private final PrometheusMeterRegistry metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Main main = new Main();
    private Beans beans;
    private RouteGuard guard;
    private RouteCheck check;
    private PublicServer server;
    private boolean ready;

    /** @param opening the database, which opens while Camel reads the routes */
    private Callboard(Settings settings, Clock clock, CompletableFuture<Database> opening) {
        this.settings = settings;
        this.clock = clock;
        this.opening = opening;
        // As many workers as callbacks can share one commit.
        this.vertx = Vertx.vertx(new VertxOptions().setWorkerPoolSize(GroupCommit.MAX_GROUP_SIZE));
    }

    /** Starts Callboard, which runs until SIGTERM; exits with code 1 if it can't start. */
    public static void main(String[] args) {
        Callboard callboard;
        try {
            callboard = start(Settings.read());
        } catch (StartException e) {
            LOG.error("Callboard did not start. {}", e.getMessage());
            System.exit(1);
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(callboard::close, "shutdown"));
    }

    /**
     * Starts everything and returns once callbacks are accepted.
     *
     * @throws StartException if a setting, a route file, a port or the database prevents the start; nothing is left
     *     running then
     */
    public static Callboard start(Settings settings) {
        return start(settings, Clock.systemUTC());
    }

    /** The same with another clock, for tests. */
    public static Callboard start(Settings settings, Clock clock) {
        LogSetup.apply(settings.logLevel());
        long begin = System.nanoTime();
        Executor beside = task -> new Thread(task, "callboard-open").start();
        Callboard callboard =
                new Callboard(settings, clock, CompletableFuture.supplyAsync(() -> Database.open(settings), beside));
        try {
            callboard.start();
            callboard.ready = true;
            LOG.info("Callboard is ready after {} s.", secondsSince(begin));
            return callboard;
        } catch (Exception e) {
            callboard.close();
            throw callboard.why(e);
        }
    }

    private StartException why(Exception e) {
        Throwable root = e;
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof StartException start) {
                return start;
            }
            root = cause;
        }
        return new StartException(guard == null ? String.valueOf(root.getMessage()) : guard.describe(e), e);
    }

    private void start() throws Exception {
        checkManagementPort();
        main.configure()
                .withName("callboard")
                .withRoutesIncludePattern(
                        INTERNAL_ROUTES + "," + settings.routes().include())
                .withAutoConfigurationLogSummary(false)
                .withJmxEnabled(false)
                // Bodies are small and in memory already.
                .withStreamCachingEnabled(false)
                .withShutdownTimeout(30);
        main.configure().setAutowiredEnabled(false);
        main.configure()
                .httpManagementServer()
                .withEnabled(true)
                .withHost(settings.management().host())
                .withPort(settings.management().port())
                .withHealthCheckEnabled(true)
                .withMetricsEnabled(true);
        // As properties, since Camel 4.18.0 does not read them from configure().metrics().
        main.addInitialProperty("camel.metrics.enabled", "true");
        main.addInitialProperty("camel.metrics.enableExchangeEventNotifier", "false");
        main.addInitialProperty("camel.metrics.enableRouteEventNotifier", "false");
        main.addInitialProperty("camel.metrics.enableRoutePolicy", "false");
        main.setDefaultPropertyPlaceholderLocation("file:" + Settings.FILE + ";optional=true");
        settings.values().forEach(main::addOverrideProperty);
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                CamelContext camel = support.getCamelContext();
                beans = new Beans(settings, clock, metrics, camel.getRegistry());
                beans.bind(vertx);
                guard = new RouteGuard(camel, settings);
                guard.watch();
                check = new RouteCheck(camel, guard, beans.alertKinds());
                camel.getRegistry().bind("routeCheck", check);
                // Without a reload no route can appear later, so a call of one that is missing fails at once.
                DirectComponent direct = camel.getComponent("direct", DirectComponent.class);
                direct.setBlock(settings.routes().reload());
                direct.setTimeout(RELOAD_TIMEOUT.toMillis());
            }

            @Override
            public void afterConfigure(BaseMainSupport support) {
                beans.bind(opening.join());
                serve(support.getCamelContext());
            }
        });
        main.start();
        guard.checkProviders();
        check.check();
        if (settings.routes().reload()) {
            main.getCamelContext()
                    .addService(new RouteReload(
                            settings.routes().folder().toString(),
                            settings.routes().files(),
                            guard,
                            check));
        }
        server.open();
        new StartupReport(settings).lines().forEach(LOG::info);
    }

    /** If the port is in use, Camel's management server only logs a warning and runs without it. */
    private void checkManagementPort() {
        String host = settings.management().host();
        int port = settings.management().port();
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(host, port));
        } catch (IOException e) {
            throw StartException.of(
                    "callboard.management.port", "can't listen on " + host + ":" + port + " (" + e.getMessage() + ")");
        }
    }

    private void serve(CamelContext camel) {
        try {
            server = new PublicServer(camel, vertx, settings, beans.sourceCheck(), metrics);
            camel.addService(server);
            attach(
                    camel,
                    "platform-http",
                    new RouterEngine(PublicServer.ROUTER, settings.http().port(), Optional.of(server)));
            int port = settings.management().port();
            String router = VertxPlatformHttpRouter.getRouterNameFromPort(port);
            attach(camel, "management-http", new RouterEngine(router, port, Optional.empty()));
        } catch (StartException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void attach(CamelContext camel, String scheme, RouterEngine engine) {
        PlatformHttpComponent component = new PlatformHttpComponent(camel);
        component.setEngine(engine);
        camel.addComponent(scheme, component);
    }

    public DataSource dataSource() {
        return database().dataSource();
    }

    public Database database() {
        return opening.join();
    }

    public CamelContext camel() {
        return main.getCamelContext();
    }

    /** Accepts no more requests, waits for those in flight, and closes the database. */
    @Override
    public void close() {
        long begin = System.nanoTime();
        if (ready) {
            LOG.info("Callboard stops.");
        }
        try {
            main.stop();
        } finally {
            if (beans != null) {
                beans.close();
            }
            vertx.close().toCompletionStage().toCompletableFuture().join();
            closeDatabase();
        }
        if (ready) {
            LOG.info("Callboard has stopped after {} s.", secondsSince(begin));
        }
    }

    private static String secondsSince(long nanoTime) {
        return String.format(Locale.ROOT, "%.1f", (System.nanoTime() - nanoTime) / 1e9);
    }

    private void closeDatabase() {
        try {
            opening.join().close();
        } catch (CompletionException e) {
            // It was never open, and start has thrown the reason.
        }
    }
}
