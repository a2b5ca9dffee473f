package dev.callboard;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.callboard.alert.AlertMetrics;
import dev.callboard.alert.MailComposer;
import dev.callboard.alert.MailHealthCheck;
import dev.callboard.alert.MailServer;
import dev.callboard.alert.Outbox;
import dev.callboard.alert.Recipients;
import dev.callboard.alert.TestMail;
import dev.callboard.callback.CallbackBody;
import dev.callboard.callback.CallbackUrl;
import dev.callboard.callback.ProblemDetails;
import dev.callboard.callback.Quarantine;
import dev.callboard.callback.Results;
import dev.callboard.callback.SchemaCheck;
import dev.callboard.db.Database;
import dev.callboard.db.DatabaseHealthCheck;
import dev.callboard.db.Retention;
import dev.callboard.http.PublicServer;
import dev.callboard.http.RouteGuard;
import dev.callboard.http.RouterEngine;
import dev.callboard.security.Rejections;
import dev.callboard.security.SourceCheck;
import dev.callboard.security.Tokens;
import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.task.CallbackMetrics;
import dev.callboard.task.GroupCommit;
import dev.callboard.task.TaskRecorder;
import dev.callboard.task.TaskStore;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.component.jackson.JacksonDataFormat;
import org.apache.camel.component.micrometer.MicrometerConstants;
import org.apache.camel.component.platform.http.PlatformHttpComponent;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.spi.DataFormat;
import org.apache.camel.spi.Registry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The application: the settings, the database, the two HTTP servers and the routes, put together and started. One
 * process may hold several, each with its own ports and database, which the tests make use of.
 */
public final class Callboard implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Callboard.class);

    /** The routes in the jar, beside those of the user. */
    private static final String INTERNAL_ROUTES = "classpath:camel/*.camel.yaml";

    private final Settings settings;
    private final Clock clock;
    private final CompletableFuture<Database> opening;
    private final Vertx vertx;
    private final PrometheusMeterRegistry numbers = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final CallbackMetrics callbackMetrics;
    private final Main main = new Main();
    private final MailHealthCheck mailHealth = new MailHealthCheck();
    private Recipients recipients;
    private SourceCheck sourceCheck;
    private RouteGuard guard;
    private GroupCommit groupCommit;
    private PublicServer server;

    /** @param opening the database, which takes about as long to open as Camel takes to read the routes */
    private Callboard(Settings settings, Clock clock, CompletableFuture<Database> opening) {
        this.settings = settings;
        this.clock = clock;
        this.opening = opening;
        // As many as may share one commit.
        this.vertx = Vertx.vertx(new VertxOptions().setWorkerPoolSize(GroupCommit.MAX_GROUP_SIZE));
        this.callbackMetrics = new CallbackMetrics(numbers, settings.providerNames());
    }

    /** Starts Callboard and keeps it running until the process is told to end; exits with 1 if it can't start. */
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
     * Starts everything; returns when callbacks are taken.
     *
     * @throws StartException if a setting, a route file, a port or the database stands in the way; nothing is left
     *     running then
     */
    public static Callboard start(Settings settings) {
        return start(settings, Clock.systemUTC());
    }

    /** The same with a clock of the caller. */
    public static Callboard start(Settings settings, Clock clock) {
        Executor beside = task -> new Thread(task, "callboard-open").start();
        Callboard callboard =
                new Callboard(settings, clock, CompletableFuture.supplyAsync(() -> Database.open(settings), beside));
        try {
            callboard.start();
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
        String message = String.valueOf(root.getMessage()).lines().findFirst().orElse("");
        return new StartException((guard == null ? "" : guard.fileOf(e)) + message, e);
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
                bind(support.getCamelContext().getRegistry());
                guard = new RouteGuard(support.getCamelContext(), settings);
                guard.watch();
            }

            @Override
            public void afterConfigure(BaseMainSupport support) {
                bindDatabase(support.getCamelContext().getRegistry());
                serve(support.getCamelContext());
            }
        });
        main.start();
        guard.checkProviders();
        if (settings.routes().reload()) {
            main.getCamelContext()
                    .addService(new RouteReload(settings.routes().folder().toString(), guard));
        }
        server.open();
        announce();
    }

    /** Camel's management server starts without its port, with no more than a warning, if that is in use. */
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

    /** Puts the beans that the routes name into Camel's registry, but for those that need the database. */
    private void bind(Registry registry) {
        registry.bind("vertx", vertx);
        Tokens tokens = new Tokens(settings);
        Rejections rejections = new Rejections(clock, numbers);
        registry.bind("rejections", rejections);
        sourceCheck = new SourceCheck(settings, tokens, rejections);
        registry.bind("sourceCheck", sourceCheck);
        registry.bind("schemaCheck", new SchemaCheck(settings.routes().folder(), settings.providerNames()));
        registry.bind("strictJson", strictJson());
        registry.bind("plainJson", plainJson());
        // Under the name by which Camel looks for one, before it makes its own.
        registry.bind(MicrometerConstants.METRICS_REGISTRY_NAME, numbers);
        registry.bind("callbackMetrics", callbackMetrics);
        registry.bind("quarantine", new Quarantine());
        registry.bind("results", new Results());
        registry.bind("callbackUrl", new CallbackUrl());
        registry.bind("callbackBody", new CallbackBody(tokens::redact));
        registry.bind("problemDetails", new ProblemDetails());
        recipients = new Recipients(settings);
        MailComposer composer = new MailComposer(settings, recipients, clock);
        registry.bind("mailComposer", composer);
        registry.bind("mailSender", MailServer.of(settings, clock));
        registry.bind("testMail", new TestMail(settings, recipients, composer, mailHealth));
        registry.bind("mail-health", mailHealth);
        registry.bind("nothingFromOutside", nothingFromOutside());
    }

    private void bindDatabase(Registry registry) {
        Database database = opening.join();
        groupCommit = new GroupCommit(
                new TaskStore(database)::recordGroup, database.writers(), GroupCommit.COMMIT_TIMEOUT, callbackMetrics);
        registry.bind("dataSource", database.dataSource());
        registry.bind("taskRecorder", new TaskRecorder(groupCommit, callbackMetrics, clock));
        registry.bind("retention", new Retention(database, settings.retention(), clock));
        registry.bind("database-health", new DatabaseHealthCheck(database));
        bindOutbox(registry, database);
    }

    private void bindOutbox(Registry registry, Database database) {
        AlertMetrics metrics = new AlertMetrics(numbers, database, clock);
        Outbox outbox = new Outbox(database, recipients, settings.alerts().interval(), metrics, mailHealth, clock);
        try {
            outbox.resume();
        } catch (SQLException e) {
            throw StartException.of(
                    "callboard.database.url", "the table mail can't be updated (SQL state " + e.getSQLState() + ")");
        }
        registry.bind("alertMetrics", metrics);
        registry.bind("outbox", outbox);
    }

    private void serve(CamelContext camel) {
        try {
            server = new PublicServer(camel, vertx, settings, sourceCheck, numbers);
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

    /** The data format of callbacks: one JSON value, without duplicate keys and without text after its end. */
    private static DataFormat strictJson() {
        ObjectMapper mapper = JsonMapper.builder()
                .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
        return new JacksonDataFormat(mapper, JsonNode.class);
    }

    /** For answers to people: times as ISO 8601 in UTC, whichever class the database's driver gives. */
    private static ObjectMapper plainJson() {
        SimpleModule times = new SimpleModule();
        times.addSerializer(Timestamp.class, new TimeSerializer<>(Timestamp.class, Timestamp::toInstant));
        times.addSerializer(
                OffsetDateTime.class, new TimeSerializer<>(OffsetDateTime.class, OffsetDateTime::toInstant));
        return JsonMapper.builder().addModule(times).build();
    }

    /** Keeps headers and query parameters of a request out of the message; a path parameter stays what the path says. */
    private static HttpHeaderFilterStrategy nothingFromOutside() {
        HttpHeaderFilterStrategy strategy = new HttpHeaderFilterStrategy();
        strategy.setInFilterPattern(".*");
        return strategy;
    }

    private void announce() {
        String callbacks = settings.http().url();
        List<String> urls = new ArrayList<>();
        List<String> sources = new ArrayList<>();
        for (String provider : settings.providerNames()) {
            boolean token = !settings.providers().get(provider).tokens().isEmpty();
            urls.add(callbacks + "/callbacks/" + provider + (token ? "?token=<callboard." + provider + ".token>" : ""));
            sources.add(provider + " from " + letIn(provider) + (token ? " with a token" : " without a token"));
        }
        List<AddressRange> proxies = settings.trustedProxies();
        if (!proxies.isEmpty()) {
            sources.add("through the proxies "
                    + proxies.stream().map(AddressRange::toString).collect(Collectors.joining(", ")));
        }
        LOG.info("Callbacks: {}", String.join(", ", urls));
        LOG.info("Let in:    {}", String.join("; ", sources));
        LOG.info("Database:  {}", Database.location(settings.database().url()));
        LOG.info("Mails:     {}", MailServer.describe(settings));
        LOG.info("Routes:    {}", settings.routes().pattern());
        LOG.info(
                "Manage:    http://{}:{}/tasks, /observe/health, /observe/metrics",
                settings.management().host(),
                settings.management().port());
    }

    private String letIn(String provider) {
        List<String> sources =
                new ArrayList<>(settings.providers().get(provider).sources());
        if (settings.trial()) {
            sources.add("this machine");
        }
        return sources.isEmpty() ? "nobody" : String.join(", ", sources);
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

    /** Takes no more callbacks, lets those in flight finish, and closes the database. */
    @Override
    public void close() {
        try {
            main.stop();
        } finally {
            if (groupCommit != null) {
                groupCommit.close();
            }
            vertx.close().toCompletionStage().toCompletableFuture().join();
            closeDatabase();
        }
    }

    private void closeDatabase() {
        try {
            opening.join().close();
        } catch (CompletionException e) {
            // It was never open, which the start has told.
        }
    }
}
