package dev.callboard.http;

import dev.callboard.text.Causes;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpConsumer;
import org.apache.camel.spi.HeaderFilterStrategy;
import org.apache.camel.support.MessageHelper;
import org.apache.camel.support.SynchronizationAdapter;
import org.apache.camel.support.http.HttpUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes callbacks to a route, each on a worker, and sends the route's answer. Camel's own consumer does so too, and first
 * copies the request's headers and query into the message, from which the route would remove them again: here a message has
 * the body, as bytes, and nothing else that the caller chose. Safe for use by any number of threads.
 */
final class CallbackConsumer extends VertxPlatformHttpConsumer {
    private static final Logger LOG = LoggerFactory.getLogger(CallbackConsumer.class);

    private final AdmissionControl admission;
    private final Executor workers;

    /** @param routerName the name in Camel's registry of the router to which it adds its path */
    CallbackConsumer(
            PlatformHttpEndpoint endpoint,
            Processor route,
            AdmissionControl admission,
            Executor workers,
            String routerName) {
        super(endpoint, route, List.of(admission::enterRoute), routerName);
        this.admission = admission;
        this.workers = workers;
    }

    /** Called on the event loop. */
    @Override
    protected void handleRequest(RoutingContext request) {
        if (isSuspended()) {
            request.response().setStatusCode(503).end();
            return;
        }
        Exchange exchange = createExchange(false);
        exchange.setPattern(ExchangePattern.InOut);
        Message message = new HttpMessage(exchange, request.request(), request.response());
        if (request.body().buffer() != null) {
            message.setBody(request.body().buffer().getBytes());
        }
        exchange.setMessage(message);
        Context eventLoop = Vertx.currentContext();
        workers.execute(() ->
                process(exchange, request, () -> eventLoop.runOnContext(now -> answer(exchange, request.response()))));
    }

    /** Starts the route, which may go on when this has returned. The end of its unit of work is the end of the request. */
    private void process(Exchange exchange, RoutingContext request, Runnable then) {
        Runnable leave = admission.startRoute(request.request());
        AtomicBoolean ended = new AtomicBoolean();
        Runnable end = () -> {
            if (ended.compareAndSet(false, true)) {
                leave.run();
                then.run();
            }
        };
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                end.run();
            }
        });
        try {
            createUoW(exchange);
            getAsyncProcessor().process(exchange, sync -> doneUoW(exchange));
        } catch (Throwable e) {
            // Camel catches no Error of a step.
            exchange.setException(e);
            doneUoW(exchange);
            end.run();
        }
    }

    /** Sends what the route has put into the message: the status, the body, and the headers that are not Camel's. */
    private void answer(Exchange exchange, HttpServerResponse response) {
        if (response.ended() || response.closed()) {
            return;
        }
        try {
            send(exchange, response);
        } catch (RuntimeException e) {
            // Such as a header with a line break.
            LOG.error(
                    "failed answer of route {} cause=\"{}\" (answered 500)",
                    exchange.getFromRouteId(),
                    Causes.describe(e));
            if (!response.headWritten()) {
                response.headers().clear();
                response.setStatusCode(500).end();
            }
        }
    }

    private void send(Exchange exchange, HttpServerResponse response) {
        Message message = exchange.getMessage();
        if (exchange.getException() != null) {
            LOG.error(
                    "failed request of route {} cause=\"{}\" (answered 500)",
                    exchange.getFromRouteId(),
                    Causes.describe(exchange.getException()));
            response.setStatusCode(500).end();
            return;
        }
        response.setStatusCode(HttpUtil.determineResponseCode(exchange, message.getBody()));
        HeaderFilterStrategy headers = getEndpoint().getHeaderFilterStrategy();
        message.getHeaders().forEach((name, value) -> {
            if (value != null && !headers.applyFilterToCamelHeaders(name, value, exchange)) {
                response.putHeader(name, value.toString());
            }
        });
        String type = MessageHelper.getContentType(message);
        if (type != null) {
            response.putHeader(HttpHeaders.CONTENT_TYPE, type);
        }
        String body = message.getBody(String.class);
        if (body == null) {
            response.end();
        } else {
            response.end(body);
        }
    }
}
