package dev.callboard.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpConstants;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;
import io.vertx.core.net.impl.ConnectionBase;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads requests as RFC 9112 has them. Where a message can be understood in two ways, Netty takes one, and a proxy in
 * front may have taken the other: what is the body of one request to the proxy would be a request of its own here, from
 * a caller whom the proxy has never seen (request smuggling; RFC 9112, 11.2). Such a request is invalid here, and nothing
 * that follows on its connection is read. For one connection, on its event loop.
 */
final class StrictRequestDecoder extends VertxHttpRequestDecoder {
    /**
     * The line before a chunk (RFC 9112, 7.1), with at most as many digits as an int has. White space is allowed after the
     * digits, where some senders pad them; a CR is not allowed within the line, as another reader may end it there.
     */
    private static final Pattern SIZE_LINE =
            Pattern.compile("([0-9A-Fa-f]{1,8})[ \\t]*(?:;[^\\x00-\\x08\\x0A-\\x1F\\x7F]*)?\\r\\n");

    /** A line before a chunk that is invalid to Netty as well. */
    private static final byte[] NO_SIZE_LINE = "x\r\n".getBytes(StandardCharsets.US_ASCII);

    private static final int CRLF_LENGTH = 2;
    /** No line with the size of a chunk follows in this message. */
    private static final long NEVER = Long.MAX_VALUE;

    /** Whether the request line has been read and the headers have not. */
    private boolean inHead;
    /** Whether the headers have been read and the body has not. */
    private boolean inBody;
    /**
     * How many bytes of the body are to be read before the next line with the size of a chunk: what is left of a chunk and
     * of the CR LF after it, as Netty does not tell where it is.
     */
    private long beforeSizeLine = NEVER;

    private boolean ambiguousLine;

    StrictRequestDecoder(HttpServerOptions options) {
        super(options);
    }

    /** Replaces the decoder of a new connection, which no option of Vert.x does. */
    static void install(HttpConnection connection, HttpServerOptions options) {
        ((ConnectionBase) connection)
                .channelHandlerContext()
                .pipeline()
                .replace(VertxHttpRequestDecoder.class, "httpDecoder", new StrictRequestDecoder(options));
    }

    @Override
    protected void decode(ChannelHandlerContext connection, ByteBuf in, List<Object> out) throws Exception {
        if (!inBody && hasAmbiguousLine(in, inHead)) {
            ambiguousLine = true;
        }
        if (inBody && beforeSizeLine == 0 && !readSizeLine(in)) {
            // Fails the body the way Netty does it, after which the decoder discards whatever it is given.
            super.decode(connection, Unpooled.wrappedBuffer(NO_SIZE_LINE), out);
            in.skipBytes(in.readableBytes());
            inBody = false;
            return;
        }
        int begin = in.readerIndex();
        int before = out.size();
        super.decode(connection, in, out);
        int length = in.readerIndex() - begin;
        inHead = inHead || length > 0;
        // Netty stops before the line with a size at the latest.
        beforeSizeLine -= beforeSizeLine == NEVER ? 0 : length;
        for (int i = before; i < out.size(); i++) {
            Object part = out.get(i);
            inBody = !(part instanceof LastHttpContent);
            inHead = false;
            if (part instanceof HttpMessage message) {
                beforeSizeLine = HttpUtil.isTransferEncodingChunked(message) ? 0 : NEVER;
            }
        }
    }

    /**
     * Looks at the line with the size of the next chunk, if all of it is there. Netty lets a size overflow, so that
     * {@code 100000019} is {@code 19} to it, skips white space before a size, and ends a size at any white space or control
     * character.
     *
     * @return whether the line, as far as it is there, has one meaning only
     */
    private boolean readSizeLine(ByteBuf in) {
        int begin = in.readerIndex();
        int end = endOfLine(in, begin);
        if (end < 0) {
            return true;
        }
        int length = end + 1 - begin;
        Matcher line = SIZE_LINE.matcher(in.toString(begin, length, StandardCharsets.ISO_8859_1));
        if (!line.matches()) {
            return false;
        }
        long size = Long.parseLong(line.group(1), 16);
        beforeSizeLine = size == 0 ? NEVER : length + size + CRLF_LENGTH;
        return size <= Integer.MAX_VALUE;
    }

    /**
     * Whether one of the complete lines up to the end of the headers continues the line before it (obs-fold), or has a CR
     * that does not end it. Netty makes spaces of both (RFC 9112, 2.2 and 5.2, allow it), so another reader may see a
     * header there that this one does not.
     */
    private static boolean hasAmbiguousLine(ByteBuf in, boolean inHead) {
        boolean first = !inHead;
        int begin = in.readerIndex();
        for (int end = endOfLine(in, begin); end >= 0; end = endOfLine(in, begin)) {
            int length = end - begin - 1;
            byte start = in.getByte(begin);
            boolean continues = !first && (start == HttpConstants.SP || start == HttpConstants.HT);
            if (continues || (length > 0 && in.indexOf(begin, begin + length, HttpConstants.CR) >= 0)) {
                return true;
            }
            // Before a request line, empty lines are skipped.
            if (length <= 0 && !first) {
                return false;
            }
            first = first && length <= 0;
            begin = end + 1;
        }
        return false;
    }

    private static int endOfLine(ByteBuf in, int begin) {
        return in.indexOf(begin, in.writerIndex(), HttpConstants.LF);
    }

    /**
     * Called when the headers have been read, before Netty decides where the body ends; the only place where a message can
     * be made invalid by an exception, so that nothing after it is read.
     */
    @Override
    protected boolean isContentAlwaysEmpty(HttpMessage message) {
        Optional<String> problem = ambiguousLine
                ? Optional.of("a folded header, or a CR within a line")
                : problem(message.protocolVersion(), message.headers());
        problem.ifPresent(text -> {
            throw new InvalidHeadException(text);
        });
        return super.isContentAlwaysEmpty(message);
    }

    /** What is wrong with the headers of a request; empty if nothing is. Netty itself checks a Content-Length. */
    static Optional<String> problem(HttpVersion version, HttpHeaders headers) {
        boolean http11 = version.equals(HttpVersion.HTTP_1_1);
        if (!http11 && !version.equals(HttpVersion.HTTP_1_0)) {
            return Optional.of("neither HTTP/1.1 nor HTTP/1.0");
        }
        int hosts = headers.getAll(HttpHeaderNames.HOST).size();
        if (hosts > 1 || (http11 && hosts == 0)) {
            return Optional.of(hosts == 0 ? "no Host" : "more than one Host");
        }
        if (headers.contains("")) {
            return Optional.of("a header without a name");
        }
        // Netty reads a body of 8 bytes after it (the WebSocket of a draft of 2010).
        if (headers.contains(HttpHeaderNames.SEC_WEBSOCKET_KEY1)) {
            return Optional.of("an obsolete WebSocket handshake");
        }
        List<String> codings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
        if (codings.isEmpty()) {
            return Optional.empty();
        }
        if (!http11 || headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
            return Optional.of("Transfer-Encoding " + (http11 ? "beside Content-Length" : "in HTTP/1.0"));
        }
        boolean chunked = codings.size() == 1 && HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(codings.get(0));
        return chunked ? Optional.empty() : Optional.of("a Transfer-Encoding other than chunked");
    }

    /** The head of a request is invalid for a reason that holds nothing of what the caller sent. */
    static final class InvalidHeadException extends RuntimeException {
        private static final long serialVersionUID = 1;

        InvalidHeadException(String problem) {
            // Without a stack trace: anyone on the network can have it thrown.
            super(problem, null, false, false);
        }
    }
}
