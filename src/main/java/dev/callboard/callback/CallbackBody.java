package dev.callboard.callback;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * The bean {@code callbackBody}: turns the body of a request into text. Safe for use by any number of threads.
 *
 * <p>JSON between systems is UTF-8 (RFC 8259, section 8.1), whatever the Content-Type says. Bytes that are not UTF-8 are
 * rejected instead of replaced: two task ids that differ only in such bytes would become one.
 */
public final class CallbackBody {
    private final UnaryOperator<String> redact;

    /** @param redact removes the tokens of the settings from a text */
    public CallbackBody(UnaryOperator<String> redact) {
        this.redact = redact;
    }

    /**
     * Replaces the body by its text without any token of the settings, and sets the variable {@code payload} to the
     * same. An empty body becomes null, and {@code payload} the empty text. If the text is not exactly what was
     * received, since it is not UTF-8 or has U+0000, which no database stores in a text, sets the variable {@code
     * payloadBytes} too, to the bytes without any token.
     *
     * @throws InvalidCallbackException if the body is not UTF-8; {@code payload} then has U+FFFD for each wrong sequence
     */
    public void read(Exchange exchange) throws InvalidCallbackException {
        Message message = exchange.getMessage();
        byte[] bytes = message.getBody(byte[].class);
        if (bytes == null || bytes.length == 0) {
            message.setBody(null);
            exchange.setVariable("payload", "");
            return;
        }
        String text = redact.apply(new String(bytes, StandardCharsets.UTF_8));
        exchange.setVariable("payload", text);
        message.setBody(text);
        // A replacement character shows that decoding has replaced something, or that the caller sent one.
        int wrong = text.indexOf('\ufffd') < 0 ? 0 : firstByteThatIsNotUtf8(bytes);
        if (wrong > 0 || text.indexOf('\0') >= 0) {
            exchange.setVariable("payloadBytes", redacted(bytes));
        }
        if (wrong > 0) {
            throw new InvalidCallbackException(
                    "The body is not UTF-8",
                    List.of(new InvalidCallbackException.Problem("", "to be UTF-8, but is not at byte " + wrong)));
        }
    }

    /** Each byte as one character: tokens are ASCII, and all other bytes stay as they are. */
    private byte[] redacted(byte[] bytes) {
        return redact.apply(new String(bytes, StandardCharsets.ISO_8859_1)).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Its place, from 1; 0 if there is none. */
    private static int firstByteThatIsNotUtf8(byte[] bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CoderResult result = decoder.decode(in, CharBuffer.allocate(bytes.length), true);
        return result.isError() ? in.position() + 1 : 0;
    }
}
