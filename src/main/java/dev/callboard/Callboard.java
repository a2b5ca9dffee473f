package dev.callboard;

import dev.callboard.db.Database;
import dev.callboard.http.ManagementServer;
import dev.callboard.http.PublicServer;
import dev.callboard.http.RouteGuard;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.task.RouterContract;
import dev.callboard.text.Causes;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.component.direct.DirectComponent;
import org.apache.camel.component.platform.http.PlatformHttpComponent;
import org.apache.camel.component.platform.http.spi.PlatformHttpEngine;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.main.SimpleMainShutdownStrategy;
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

    /** How long the routes may take for what they do when they are stopped, such as sending a mail. */
    private static final int ROUTES_TIMEOUT_SECONDS = 2;

    /** How long the process may take to end: less than the ten seconds after which {@code docker stop} kills it. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(9);
    /** How long a call waits for a route that is replaced at this moment. */
    private static final Duration RELOAD_TIMEOUT = Duration.ofSeconds(10);

    /** After which Vert.x warns of a management request that does not end. */
    private static final int BACKUP_MINUTES = 60;

    private final Settings settings;
    private final Clock clock;
    /** Callbacks have workers of their own, so that no look-up can take them. */
    private final Vertx callbackVertx;

    private final Vertx managementVertx;
    private final PrometheusMeterRegistry metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ManagementServer management;
    private final Main main = new Main();
    private final CountDownLatch startEnded = new CountDownLatch(1);
    private volatile boolean closing;
    private boolean stopped;

    /** The database, which opens while Camel reads the routes. */
    private CompletableFuture<Database> opening;

    private Beans beans;
    private RouteGuard guard;
    private RouteCheck check;
    private PublicServer server;
    private boolean ready;

    private Callboard(Settings settings, Clock clock) {
        this.settings = settings;
        this.clock = clock;
        // The routes have workers of their own. More threads than processors would only take turns.
        this.callbackVertx = vertx(new VertxOptions()
                .setWorkerPoolSize(1)
                .setEventLoopPoolSize(Math.max(1, Runtime.getRuntime().availableProcessors() / 2)));
        this.managementVertx = vertx(new VertxOptions()
                .setWorkerPoolSize(ManagementServer.WORKERS)
                .setEventLoopPoolSize(1)
                // A backup takes a worker for as long as a large file takes to be packed.
                .setMaxWorkerExecuteTime(BACKUP_MINUTES)
                .setMaxWorkerExecuteTimeUnit(TimeUnit.MINUTES));
        this.management = new ManagementServer(settings, clock, metrics);
    }

    /** No resource of the class path needs a copy in a temporary folder. */
    static Vertx vertx(VertxOptions options) {
        return Vertx.vertx(options.setFileSystemOptions(
                new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
    }

    /** Starts Callboard, which runs until SIGTERM or SIGINT; exits with code 1 if it can't start. */
    public static void main(String[] args) {
        try {
            Callboard callboard = new Callboard(Settings.read(), Clock.systemUTC());
            Runtime.getRuntime().addShutdownHook(new Thread(callboard::closeInTime, "shutdown"));
            callboard.start();
        } catch (StartException e) {
            LOG.error("Callboard did not start. {}", e.getMessage());
            System.exit(1);
        }
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
        Callboard callboard = new Callboard(settings, clock);
        callboard.start();
        return callboard;
    }

    /** Returns once callbacks are accepted, or early if {@link #close} was called meanwhile. */
    private void start() {
        LogSetup.apply(settings.logLevel(), settings.logFormat());
        long begin = System.nanoTime();
        try {
            opening = CompletableFuture.supplyAsync(
                    () -> Database.open(settings), task -> new Thread(task, "callboard-open").start());
            startParts();
            ready = true;
            LOG.info("Callboard {} is ready after {} s.", Version.current(), secondsSince(begin));
            new StartupReport(settings, beans.sendsMails()).nextSteps().forEach(LOG::info);
        } catch (Exception e) {
            stop();
            if (!closing) {
                throw why(e, guard);
            }
        } finally {
            startEnded.countDown();
        }
    }

    /** Called between the steps of the start, since a step can't be interrupted. */
    private void checkNotClosing() {
        if (closing) {
            throw new CancellationException();
        }
    }

    /**
     * Why a start failed, for the person who starts it.
     *
     * @param guard null if no route was read yet
     */
    static StartException why(Exception e, RouteGuard guard) {
        return Causes.find(e, StartException.class)
                .orElseGet(() -> new StartException(
                        guard == null ? String.valueOf(Causes.root(e).getMessage()) : guard.describe(e), e));
    }

    private void startParts() throws Exception {
        checkManagementPort();
        configure(main, settings);
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
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                CamelContext camel = support.getCamelContext();
                beans = new Beans(settings, clock, metrics, camel.getRegistry());
                beans.bind(managementVertx, management);
                guard = watch(camel, settings);
                check = new RouteCheck(camel, guard, beans.alertKinds());
                camel.getRegistry().bind("routeCheck", check);
                // Without a reload no route can appear later, so a call of one that is missing fails at once.
                DirectComponent direct = camel.getComponent("direct", DirectComponent.class);
                direct.setBlock(settings.routes().reload());
                direct.setTimeout(RELOAD_TIMEOUT.toMillis());
            }

            @Override
            public void afterConfigure(BaseMainSupport support) {
                beans.bind(support.getCamelContext(), opening.join());
                checkNotClosing();
                serve(support.getCamelContext());
            }
        });
        main.start();
        checkNotClosing();
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
        beans.reconciler().start();
        beans.events().start();
        new StartupReport(settings, beans.sendsMails()).lines().forEach(LOG::info);
    }

    /** What reading the routes needs, whether they are then started or only checked. */
    static void configure(Main main, Settings settings) {
        // Camel's own adds a second shutdown hook, and has the first of both that gets there wait until Camel is
        // stopped, even if it is the one that stops Camel.
        main.setShutdownStrategy(new SimpleMainShutdownStrategy());
        main.configure()
                .withName("callboard")
                .withRoutesIncludePattern(
                        INTERNAL_ROUTES + "," + settings.routes().include())
                .withAutoConfigurationLogSummary(false)
                .withJmxEnabled(false)
                // Bodies are small and in memory already.
                .withStreamCachingEnabled(false)
                .withShutdownTimeout(ROUTES_TIMEOUT_SECONDS);
        main.configure().setAutowiredEnabled(false);
        main.setDefaultPropertyPlaceholderLocation("file:" + Settings.FILE + ";optional=true");
        settings.values().forEach(main::addOverrideProperty);
    }

    /** Has Camel check each route that it reads; called before it reads any. */
    static RouteGuard watch(CamelContext camel, Settings settings) {
        Json.convertTrees(camel.getTypeConverterRegistry());
        JsonPathCache.install();
        RouteGuard guard = new RouteGuard(camel, settings);
        guard.watch();
        new RouterContract(settings.providerNames()).enforce(camel);
        return guard;
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
            server = new PublicServer(camel, callbackVertx, settings, beans.sourceCheck(), metrics);
            camel.addService(server);
            beans.groupCommit().expect(server::inFlight);
            attach(camel, "platform-http", server.engine());
            attach(camel, "management-http", management.engine());
        } catch (StartException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    static void attach(CamelContext camel, String scheme, PlatformHttpEngine engine) {
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

    /** As the shutdown hook: ends the process if closing takes too long. Nothing that was acknowledged is lost by that. */
    private void closeInTime() {
        Thread limit = new Thread(
                () -> {
                    try {
                        Thread.sleep(CLOSE_TIMEOUT.toMillis());
                    } catch (InterruptedException e) {
                        return;
                    }
                    LOG.error("stop not completed after {} s (ended the process)", CLOSE_TIMEOUT.toSeconds());
                    Runtime.getRuntime().halt(1);
                },
                "shutdown-limit");
        limit.setDaemon(true);
        limit.start();
        close();
        // What the JVM itself still does, such as writing the classes that later starts share, may take longer.
        limit.interrupt();
    }

    /**
     * Answers 503 to further requests, waits a few seconds for those in the routes, closes the port, stops the routes, and
     * closes the database. While it starts, it does so at the end of the present step. Does nothing if it is closed.
     */
    @Override
    public void close() {
        closing = true;
        try {
            startEnded.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        stop();
    }

    /** Stops what depends on other parts before those. A part that fails to stop does not keep the others running. */
    private synchronized void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
        long begin = System.nanoTime();
        if (ready) {
            LOG.info("Callboard stops.");
        }
        stop("the look-ups", beans == null ? null : beans.reconciler());
        stop("the events", beans == null ? null : beans.events());
        stop("the public port", server);
        stop("the routes", main::stop);
        stop("recording", beans);
        stop("the database", this::closeDatabase);
        stop("the threads of callbacks", () -> close(callbackVertx));
        stop("the threads of management", () -> close(managementVertx));
        if (ready) {
            LOG.info("Callboard has stopped after {} s.", secondsSince(begin));
        }
    }

    static void stop(String part, AutoCloseable stoppable) {
        if (stoppable != null) {
            try {
                stoppable.close();
            } catch (Exception e) {
                LOG.warn("could not stop {} cause=\"{}\" (stopping the rest)", part, Causes.describe(e));
            }
        }
    }

    static void close(Vertx vertx) {
        vertx.close().toCompletionStage().toCompletableFuture().join();
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
