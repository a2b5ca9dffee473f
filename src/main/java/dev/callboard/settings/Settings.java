package dev.callboard.settings;

import dev.callboard.alert.Recipients;
import dev.callboard.db.Database;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The settings of one Callboard process: every {@code callboard.*} key with its value. A value comes from the first of
 * these that has the key: a Java system property, the environment variable of the key's name ({@code
 * callboard.alerts.to} is {@code CALLBOARD_ALERTS_TO}), the file {@code application.properties}, the default.
 *
 * <p>Reading checks that each key is known and that each value can be used, and throws a {@link StartException} that
 * names the key if not. Immutable, and so safe for any number of threads.
 */
public final class Settings {
    /** The file in the working directory that people edit. */
    public static final Path FILE = Path.of("application.properties");

    /** Every fixed key with its default, in the order of {@code application.properties}. */
    static final Map<String, String> DEFAULTS = defaults();

    private static final String PREFIX = "callboard.";
    private static final Pattern PROVIDER_KEY =
            Pattern.compile("callboard\\.([a-z][a-z0-9-]*)\\.(allowed-sources|token)");
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~-]{32,64}");
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
    private static final String ANY = "any";
    private static final Pattern RETENTION = Pattern.compile("[1-9][0-9]{0,4}d");
    private static final Pattern RECEIVE_ROUTE = Pattern.compile("receive-([a-z][a-z0-9-]*)\\.camel\\.yaml");

    private final Map<String, String> values;
    private final Set<String> providers;

    private Settings(Map<String, String> values, Set<String> providers) {
        this.values = Collections.unmodifiableMap(values);
        this.providers = Collections.unmodifiableSet(providers);
    }

    private static Map<String, String> defaults() {
        Map<String, String> defaults = new LinkedHashMap<>();
        defaults.put("callboard.http.host", "127.0.0.1");
        defaults.put("callboard.http.port", "8080");
        defaults.put("callboard.management.host", "127.0.0.1");
        defaults.put("callboard.management.port", "9876");
        defaults.put("callboard.http.max-in-flight", "256");
        defaults.put("callboard.http.max-connections", "1000");
        defaults.put("callboard.http.header-timeout", "10s");
        defaults.put("callboard.http.body-timeout", "30s");
        defaults.put("callboard.http.idle-timeout", "60s");
        defaults.put("callboard.trial", "false");
        defaults.put("callboard.database.url", Database.DEFAULT_URL);
        defaults.put("callboard.database.user", "sa");
        defaults.put("callboard.database.password", "");
        defaults.put("callboard.trusted-proxies", "");
        defaults.put("callboard.retention", "");
        defaults.put("callboard.fotor.allowed-sources", "54.212.95.175, 44.236.127.35");
        defaults.put("callboard.fotor.token", "");
        defaults.put("callboard.creatify.allowed-sources", "");
        defaults.put("callboard.creatify.token", "");
        defaults.put("callboard.max-body-bytes", "1048576");
        defaults.put("callboard.alerts.to", "ops@localhost");
        defaults.put("callboard.alerts.from", "callboard@localhost");
        defaults.put("callboard.alerts.interval", "5m");
        defaults.put("callboard.alerts.time-zone", "UTC");
        defaults.put("callboard.mail.host", "");
        defaults.put("callboard.mail.port", "587");
        defaults.put("callboard.mail.username", "");
        defaults.put("callboard.mail.password", "");
        defaults.put("callboard.mail.security", "starttls");
        defaults.put("callboard.mail.directory", "data/mail");
        defaults.put("callboard.mail.templates", "");
        defaults.put("callboard.routes", "file:routes/*.camel.yaml");
        defaults.put("callboard.routes.reload", "false");
        return Collections.unmodifiableMap(defaults);
    }

    /**
     * Reads the settings of this process.
     *
     * @throws StartException if a key is unknown or a value can't be used
     */
    public static Settings read() {
        return read(FILE, System.getenv(), System.getProperties());
    }

    public static Settings read(Path file, Map<String, String> environment, Properties systemProperties) {
        Map<String, String> given = new TreeMap<>();
        for (Map.Entry<String, String> entry : readFile(file).entrySet()) {
            given.put(entry.getKey(), entry.getValue());
        }
        for (String name : systemProperties.stringPropertyNames()) {
            if (name.startsWith(PREFIX)) {
                given.put(name, systemProperties.getProperty(name));
            }
        }
        Map<String, String> values = new LinkedHashMap<>(DEFAULTS);
        values.putAll(given);
        // Only the variables of known keys are read: a platform may set CALLBOARD_... names of its own.
        Set<String> providers = providers(withEnvironment("callboard.routes", values, environment, systemProperties));
        for (String provider : providers) {
            values.putIfAbsent(PREFIX + provider + ".allowed-sources", "");
            values.putIfAbsent(PREFIX + provider + ".token", "");
            values.putIfAbsent(Recipients.keyOfProvider(provider), "");
        }
        for (String kind : Recipients.KINDS) {
            values.putIfAbsent(Recipients.keyOfKind(kind), "");
        }
        values.replaceAll((key, value) ->
                withEnvironment(key, values, environment, systemProperties).strip());
        for (String key : given.keySet()) {
            if (!DEFAULTS.containsKey(key) && !isKeyOfProvider(key, providers) && !isKeyOfRecipients(key, providers)) {
                throw StartException.of(key, "there is no such setting" + likely(key, values.keySet()));
            }
        }
        Settings settings = new Settings(values, providers);
        settings.check();
        return settings;
    }

    private static Map<String, String> readFile(Path file) {
        Map<String, String> found = new TreeMap<>();
        if (!Files.exists(file)) {
            return found;
        }
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new StartException(file + ": can't be read (" + e.getMessage() + ")", e);
        }
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith(PREFIX)) {
                found.put(name, properties.getProperty(name));
            }
        }
        return found;
    }

    private static String withEnvironment(
            String key, Map<String, String> values, Map<String, String> environment, Properties systemProperties) {
        String variable = key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
        boolean set = environment.containsKey(variable) && systemProperties.getProperty(key) == null;
        return set ? environment.get(variable) : values.get(key);
    }

    private static boolean isKeyOfProvider(String key, Set<String> providers) {
        var matcher = PROVIDER_KEY.matcher(key);
        return matcher.matches() && providers.contains(matcher.group(1));
    }

    private static boolean isKeyOfRecipients(String key, Set<String> providers) {
        return Recipients.KINDS.stream().map(Recipients::keyOfKind).anyMatch(key::equals)
                || providers.stream().map(Recipients::keyOfProvider).anyMatch(key::equals);
    }

    private static String likely(String key, Set<String> known) {
        String last = key.substring(key.lastIndexOf('.') + 1);
        for (String candidate : known) {
            if (candidate.endsWith("." + last)) {
                return "; did you mean " + candidate + "?";
            }
        }
        return "";
    }

    private static Set<String> providers(String routes) {
        if (!routes.startsWith("file:")) {
            throw StartException.of("callboard.routes", "'" + routes + "' does not begin with file:");
        }
        Path directory = folder(routes);
        Set<String> providers = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, fileNames(routes))) {
            for (Path file : files) {
                var matcher = RECEIVE_ROUTE.matcher(file.getFileName().toString());
                if (matcher.matches()) {
                    providers.add(matcher.group(1));
                }
            }
        } catch (IOException e) {
            throw StartException.of("callboard.routes", "there is no folder " + directory);
        }
        if (providers.isEmpty()) {
            throw StartException.of(
                    "callboard.routes",
                    "no file " + routes + " is named receive-<provider>.camel.yaml, so nobody could call");
        }
        return providers;
    }

    private static String fileNames(String routes) {
        return routes.substring(Math.max(routes.lastIndexOf('/'), routes.indexOf(':')) + 1);
    }

    private static Path folder(String routes) {
        int slash = routes.lastIndexOf('/');
        return Path.of(slash < 0 ? "." : routes.substring("file:".length(), slash));
    }

    /** Where the route files stand, and the schemas beside them. */
    public Path routesFolder() {
        return folder(get("callboard.routes"));
    }

    /**
     * The route files, as Camel finds them: it does not look into a folder that is a link.
     *
     * @throws StartException if the folder is gone since the settings were read
     */
    public String routeFiles() {
        String routes = get("callboard.routes");
        Path folder = routesFolder();
        if (!Files.isSymbolicLink(folder)) {
            return routes;
        }
        try {
            return "file:" + folder.toRealPath() + "/" + fileNames(routes);
        } catch (IOException e) {
            throw StartException.of("callboard.routes", "there is no folder " + folder);
        }
    }

    private void check() {
        port("callboard.http.port");
        port("callboard.management.port");
        number("callboard.max-body-bytes", 1024, 100 * 1024 * 1024);
        oneOf("callboard.trial", List.of("true", "false"));
        oneOf("callboard.routes.reload", List.of("true", "false"));
        oneOf("callboard.mail.security", List.of("starttls", "tls", "none"));
        port("callboard.mail.port");
        if (!get("callboard.retention").isEmpty()
                && !RETENTION.matcher(get("callboard.retention")).matches()) {
            throw StartException.of(
                    "callboard.retention", "'" + get("callboard.retention") + "' is no number of days like 90d");
        }
        notEmpty("callboard.http.host");
        notEmpty("callboard.management.host");
        notEmpty("callboard.mail.directory");
        interval();
        timeZone();
        number("callboard.http.max-in-flight", 1, 10_000);
        number("callboard.http.max-connections", 1, 100_000);
        for (String key : List.of("header", "body", "idle")) {
            duration("callboard.http." + key + "-timeout", Duration.ofMillis(100), Duration.ofHours(1));
        }
        checkCallers();
        if (is("callboard.trial") && !AddressRange.isLoopbackName(get("callboard.http.host"))) {
            throw StartException.of(
                    "callboard.trial",
                    "lets this machine itself in, so it needs callboard.http.host on loopback, not "
                            + get("callboard.http.host"));
        }
        if (!get("callboard.mail.host").isEmpty()
                && get("callboard.mail.security").equals("none")
                && !AddressRange.isLoopbackName(get("callboard.mail.host"))) {
            throw StartException.of(
                    "callboard.mail.security", "none is taken only for a callboard.mail.host on loopback");
        }
        if (!get("callboard.mail.username").isEmpty()
                && get("callboard.mail.security").equals("none")) {
            throw StartException.of(
                    "callboard.mail.username",
                    "a login needs callboard.mail.security=starttls or tls, or anybody could read the password");
        }
    }

    /** How long the mails of one provider and kind are apart at least. */
    public Duration interval() {
        return duration("callboard.alerts.interval", Duration.ofSeconds(1), Duration.ofDays(1));
    }

    private void timeZone() {
        String key = "callboard.alerts.time-zone";
        try {
            ZoneId.of(get(key));
        } catch (DateTimeException e) {
            throw StartException.of(key, "'" + get(key) + "' is no time zone like UTC or Europe/Berlin");
        }
    }

    private void checkCallers() {
        for (String provider : providers) {
            boolean everybody = allowedSources(provider).stream().anyMatch(range -> range.prefix() == 0);
            if (tokens(provider).isEmpty() && everybody) {
                throw StartException.of(
                        PREFIX + provider + ".allowed-sources",
                        "lets everybody in, so it needs " + PREFIX + provider + ".token");
            }
        }
        if (trustedProxies().stream().anyMatch(range -> range.prefix() == 0)) {
            throw StartException.of("callboard.trusted-proxies", "names everybody, so nobody could be the caller");
        }
        if (is("callboard.trial") && !trustedProxies().isEmpty()) {
            throw StartException.of(
                    "callboard.trial",
                    "lets this machine itself in, and so whoever reaches a proxy on it; it can't be used together with"
                            + " callboard.trusted-proxies");
        }
    }

    /** The value of a key, stripped of surrounding space; empty if it is not set. */
    public String get(String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException(key + " is no setting");
        }
        return value;
    }

    public boolean is(String key) {
        return Boolean.parseBoolean(get(key));
    }

    public int port(String key) {
        return number(key, 1, 65535);
    }

    public int number(String key, int least, int most) {
        try {
            int value = Integer.parseInt(get(key));
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // falls through to the one message for everything that is not a number in range
        }
        throw StartException.of(key, "'" + get(key) + "' is no number from " + least + " to " + most);
    }

    /** A time with its unit: 500ms, 10s, 5m, 1h. */
    public Duration duration(String key, Duration least, Duration most) {
        Matcher matcher = DURATION.matcher(get(key));
        if (matcher.matches()) {
            long count = Long.parseLong(matcher.group(1));
            Duration value =
                    switch (matcher.group(2)) {
                        case "ms" -> Duration.ofMillis(count);
                        case "s" -> Duration.ofSeconds(count);
                        case "m" -> Duration.ofMinutes(count);
                        default -> Duration.ofHours(count);
                    };
            if (value.compareTo(least) >= 0 && value.compareTo(most) <= 0) {
                return value;
            }
        }
        throw StartException.of(
                key,
                "'" + get(key) + "' is no time like 10s or 5m, from " + least.toMillis() + "ms to " + most.toMillis()
                        + "ms");
    }

    private void oneOf(String key, List<String> allowed) {
        if (!allowed.contains(get(key))) {
            throw StartException.of(key, "'" + get(key) + "' is none of " + String.join(", ", allowed));
        }
    }

    private void notEmpty(String key) {
        if (get(key).isEmpty()) {
            throw StartException.of(key, "is empty");
        }
    }

    /** The providers that have a {@code receive-<provider>} route, in alphabetical order. */
    public Set<String> providers() {
        return providers;
    }

    /** Who may call for a provider; loopback too while {@code callboard.trial} is on. */
    public List<AddressRange> allowedSources(String provider) {
        String key = PREFIX + provider + ".allowed-sources";
        List<AddressRange> ranges =
                new ArrayList<>(list(key).equals(List.of(ANY)) ? AddressRange.EVERYBODY : ranges(key));
        if (is("callboard.trial")) {
            ranges.addAll(AddressRange.LOOPBACK);
        }
        return ranges;
    }

    /** Who may say for whom he speaks. */
    public List<AddressRange> trustedProxies() {
        return ranges("callboard.trusted-proxies");
    }

    /** The tokens of which a provider's callback URL must carry one; none if it needs none. */
    public List<String> tokens(String provider) {
        String key = PREFIX + provider + ".token";
        List<String> tokens = list(key);
        if (tokens.size() > 2
                || !tokens.stream().allMatch(token -> TOKEN.matcher(token).matches())) {
            throw StartException.of(
                    key,
                    "is not one token, or two with a comma between, of 32 to 64 letters, digits and the characters -._~"
                            + " each (the value is not shown)");
        }
        return tokens;
    }

    private List<AddressRange> ranges(String key) {
        List<AddressRange> ranges = new ArrayList<>();
        for (String entry : list(key)) {
            ranges.add(AddressRange.parse(entry)
                    .orElseThrow(() -> StartException.of(
                            key, "'" + entry + "' is no IP address and no range like 192.0.2.0/24 or 2001:db8::/32")));
        }
        return ranges;
    }

    /** The entries of a comma-separated value. */
    public List<String> list(String key) {
        List<String> entries = new ArrayList<>();
        for (String entry : get(key).split(",", -1)) {
            if (!entry.isBlank()) {
                entries.add(entry.strip());
            }
        }
        return entries;
    }

    /** All keys and values, for the {@code {{...}}} placeholders of the routes. */
    public Map<String, String> values() {
        return values;
    }
}
