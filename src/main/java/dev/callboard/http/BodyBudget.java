package dev.callboard.http;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How much memory the bodies of requests may take that are read or processed at a time. A longer body than one may have is
 * answered 413, one for which there is no memory 503 with Retry-After. A chunked body counts as the longest. Safe for use by
 * any number of threads.
 */
final class BodyBudget implements Handler<RoutingContext> {
    private static final String RETRY_AFTER_SECONDS = "1";

    private final long maxBody;
    private final long maxAll;
    private final AtomicLong reserved = new AtomicLong();

    /**
     * @param maxBody the longest body, in bytes
     * @param maxAll how long all bodies may be together
     */
    BodyBudget(long maxBody, long maxAll) {
        this.maxBody = maxBody;
        this.maxAll = maxAll;
    }

    @Override
    public void handle(RoutingContext context) {
        long length = length(context.request());
        if (length > maxBody) {
            reject(context.response(), 413);
            return;
        }
        if (reserved.addAndGet(length) > maxAll) {
            reserved.addAndGet(-length);
            context.response().putHeader("Retry-After", RETRY_AFTER_SECONDS);
            reject(context.response(), 503);
            return;
        }
        context.addEndHandler(ended -> reserved.addAndGet(-length));
        context.next();
    }

    private long length(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        if (length == null) {
            return mayHaveBody(request) ? maxBody : 0;
        }
        try {
            return Long.parseLong(length);
        } catch (NumberFormatException e) {
            return maxBody;
        }
    }

    /** Without a length, a body of HTTP/1 is chunked, and one of HTTP/2 is announced by its type alone. */
    private static boolean mayHaveBody(HttpServerRequest request) {
        return request.version() == HttpVersion.HTTP_2
                ? request.headers().contains("Content-Type")
                : request.headers().contains("Transfer-Encoding");
    }

    /** Closes a connection of HTTP/1, since the body is not read. */
    private static void reject(HttpServerResponse response, int status) {
        if (response.streamId() < 0) {
            response.putHeader("Connection", "close");
        }
        response.setStatusCode(status).end();
    }
}
