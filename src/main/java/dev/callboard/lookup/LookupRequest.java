package dev.callboard.lookup;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * A look-up with its parameters, each as expected. They are read from the request's own URL, never from headers, which
 * Camel mixes with them. Immutable.
 */
public final class LookupRequest {
    private final String path;
    private final Map<String, String> texts;
    private final Map<String, Object> values;

    private LookupRequest(String path, Map<String, String> texts, Map<String, Object> values) {
        this.path = path;
        this.texts = texts;
        this.values = values;
    }

    /**
     * The look-up that an exchange asks for.
     *
     * @param path the path of the list, percent-encoded, for the link to its next page
     * @param parameters what it takes, beside {@code limit} and {@code cursor}
     * @throws InvalidParametersException if the query has another parameter, one twice, or a value that is not as expected
     */
    public static LookupRequest of(Exchange exchange, String path, Parameter<?>... parameters)
            throws InvalidParametersException {
        String uri = exchange.getMessage(HttpMessage.class).getRequest().uri();
        return of(uri, path, parameters);
    }

    static LookupRequest of(String uri, String path, Parameter<?>... parameters) throws InvalidParametersException {
        Map<String, Parameter<?>> known = Stream.concat(
                        Stream.of(parameters), Stream.of(Parameter.LIMIT, Parameter.CURSOR))
                .collect(Collectors.toMap(Parameter::name, parameter -> parameter, (a, b) -> a, LinkedHashMap::new));
        Map<String, String> texts = new LinkedHashMap<>();
        Map<String, Object> values = new LinkedHashMap<>();
        List<InvalidParametersException.Problem> problems = new ArrayList<>();
        query(uri).forEach((name, all) -> {
            Parameter<?> parameter = known.get(name);
            Optional<String> text = all.size() == 1 ? decode(all.get(0)) : Optional.empty();
            Optional<?> value = parameter == null ? Optional.empty() : text.flatMap(parameter.read());
            if (value.isPresent()) {
                texts.put(name, text.get());
                values.put(name, value.get());
            } else {
                problems.add(new InvalidParametersException.Problem(name, expected(parameter, known, all)));
            }
        });
        if (!problems.isEmpty()) {
            throw new InvalidParametersException(problems);
        }
        return new LookupRequest(path, texts, values);
    }

    private static String expected(Parameter<?> parameter, Map<String, Parameter<?>> known, List<String> all) {
        if (parameter == null) {
            return "not to be there; the parameters are " + String.join(", ", known.keySet());
        }
        return all.size() == 1 ? parameter.expected() : "to be there once";
    }

    /** The parameters, each character standing for a byte, so that bytes that are no UTF-8 can be told from others. */
    private static Map<String, List<String>> query(String uri) throws InvalidParametersException {
        try {
            return new QueryStringDecoder(uri, StandardCharsets.ISO_8859_1).parameters();
        } catch (IllegalArgumentException e) {
            throw new InvalidParametersException(List.of(new InvalidParametersException.Problem(
                    "the query", "to have two hexadecimal digits after each %")));
        }
    }

    private static Optional<String> decode(String bytes) {
        try {
            return Optional.of(decode(bytes.getBytes(StandardCharsets.ISO_8859_1)));
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /** Decodes UTF-8 without replacing what is none. */
    static String decode(byte[] utf8) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    }

    /** The value of a parameter; empty if the request does not have it. */
    @SuppressWarnings("unchecked") // The parameter itself has read the value.
    public <T> Optional<T> get(Parameter<T> parameter) {
        return Optional.ofNullable((T) values.get(parameter.name()));
    }

    /** How many rows the page may have. */
    public int limit() {
        return get(Parameter.LIMIT).orElse(Parameter.DEFAULT_LIMIT);
    }

    /** The key of the row that the page begins after; empty for the first page. */
    public Optional<Cursor> cursor() {
        return get(Parameter.CURSOR);
    }

    /** The value of the header {@code Link} (RFC 8288) that leads to the page after this cursor. */
    public String next(Cursor cursor) {
        Map<String, String> query = new LinkedHashMap<>(texts);
        query.put(Parameter.CURSOR.name(), cursor.encode());
        return query.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&", "<" + path + "?", ">; rel=\"next\""));
    }
}
