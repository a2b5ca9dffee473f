package dev.callboard.http;

import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.Service;
import org.apache.camel.component.platform.http.main.DefaultMainHttpServerFactory;
import org.apache.camel.component.platform.http.main.ManagementHttpServer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpConsumer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.auth.AuthenticationConfig;
import org.apache.camel.component.platform.http.vertx.auth.AuthenticationConfig.AuthenticationConfigEntry;
import org.apache.camel.main.HttpManagementServerConfigurationProperties;

/**
 * The HTTP server on the management port: Camel's own, with its health and metrics, behind {@link ManagementGuard}. At most
 * {@link #MAX_IN_FLIGHT} requests of the {@code management-http} routes run at a time, so that a worker is left for health
 * and metrics; a further one is answered 503 with Retry-After. Bodies are limited by {@link BodyBudget}.
 */
public final class ManagementServer extends DefaultMainHttpServerFactory {
    /** How many workers the server needs. */
    public static final int WORKERS = 20;

    private static final int MAX_IN_FLIGHT = 16;

    /** The longest body that is read. */
    private static final int MAX_BODY_BYTES = 4 * 1024 * 1024;

    /** How many of the longest bodies are in memory at a time, or any number of shorter ones. */
    private static final int MAX_BODIES = 4;

    private static final String RETRY_AFTER_SECONDS = "5";

    private final int port;
    private final ManagementGuard guard;
    private final BodyBudget bodies = new BodyBudget(MAX_BODY_BYTES, MAX_BODIES * MAX_BODY_BYTES);
    private final Semaphore inFlight = new Semaphore(MAX_IN_FLIGHT);

    public ManagementServer(Settings settings, Clock clock, MeterRegistry meters) {
        this.port = settings.management().port();
        this.guard = new ManagementGuard(settings.management(), clock, meters);
    }

    /** Camel calls this before the server listens. */
    @Override
    public Service newHttpManagementServer(
            CamelContext camel, HttpManagementServerConfigurationProperties configuration) {
        ManagementHttpServer server = (ManagementHttpServer) super.newHttpManagementServer(camel, configuration);
        AuthenticationConfigEntry all = new AuthenticationConfigEntry() {
            @Override
            public Handler<RoutingContext> createAuthenticationHandler(Vertx vertx) {
                return context -> {
                    if (guard.admit(context.request())) {
                        bodies.handle(context);
                    }
                };
            }
        };
        all.setPath("/*");
        server.getConfiguration().setMaxBodySize((long) MAX_BODY_BYTES);
        // It may already have a login that camel.management.* sets.
        AuthenticationConfig config = server.getConfiguration().getAuthenticationConfig();
        config.getEntries().add(all);
        config.setEnabled(true);
        return server;
    }

    /** Serves the routes of a component beside Camel's own paths. */
    public RouterEngine engine() {
        String router = VertxPlatformHttpRouter.getRouterNameFromPort(port);
        return new RouterEngine(
                port, (endpoint, route) -> new VertxPlatformHttpConsumer(endpoint, limited(route), List.of(), router));
    }

    private Processor limited(Processor route) {
        return exchange -> {
            if (!inFlight.tryAcquire()) {
                answerUnavailable(exchange.getMessage());
                return;
            }
            try {
                route.process(exchange);
            } finally {
                inFlight.release();
            }
        };
    }

    private static void answerUnavailable(Message message) {
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, 503);
        message.setHeader("Retry-After", RETRY_AFTER_SECONDS);
        message.setBody("");
    }
}
