package dev.callboard.settings;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.SortedMap;

/**
 * The settings of one Callboard process, read and checked once at startup. {@link #read()} parses every value, so the
 * rest of the application never sees a value that is out of range. Immutable and safe for use by any number of threads.
 *
 * @param trial whether this machine itself may call, for a first try
 * @param trustedProxies the peers whose {@code X-Forwarded-For} header is read
 * @param providers every provider by its name, in alphabetical order
 * @param retention how long a task is kept after its last callback; empty to keep all tasks
 * @param values every {@code callboard.*} key with its value, for the placeholders of the routes
 */
public record Settings(
        Http http,
        Management management,
        boolean trial,
        List<AddressRange> trustedProxies,
        SortedMap<String, Provider> providers,
        Database database,
        Optional<Duration> retention,
        Alerts alerts,
        Mail mail,
        Events events,
        Routes routes,
        LogLevel logLevel,
        LogFormat logFormat,
        Map<String, String> values) {

    /** The file in the working directory that users edit. */
    public static final Path FILE = Path.of("application.properties");

    /**
     * The public HTTP server.
     *
     * @param maxBodyBytes the length of the longest callback that is read
     * @param maxInFlight how many requests the routes handle at a time, including those that wait for a worker or a commit
     * @param maxConnections how many connections are open at a time
     * @param headerTimeout how long a client may take to send the headers of a request
     * @param bodyTimeout how long a client may take to send the body of a request
     * @param idleTimeout how long a connection may stay open between two requests
     */
    public record Http(
            String host,
            int port,
            int maxBodyBytes,
            int maxInFlight,
            int maxConnections,
            Duration headerTimeout,
            Duration bodyTimeout,
            Duration idleTimeout) {
        /** The base URL of the server, without a trailing slash. */
        public String url() {
            return "http://" + host + ":" + port;
        }
    }

    /**
     * The management HTTP server.
     *
     * @param allowedHosts the host names of requests that are answered, beside loopback and {@code host}
     * @param password what each request must have; empty if it needs none, which is allowed on loopback only
     * @param publicUrl under which people reach it; empty if that is {@code host} and {@code port}
     */
    public record Management(
            String host, int port, List<String> allowedHosts, Optional<String> password, Optional<URI> publicUrl) {
        /** The base URL for people, in mails and log lines, without a trailing slash. */
        public String url() {
            return publicUrl.map(URI::toString).orElseGet(() -> "http://" + host + ":" + port);
        }

        /** Shows no password. */
        @Override
        public String toString() {
            return "Management[host=" + host + ", port=" + port + "]";
        }
    }

    /**
     * One provider.
     *
     * @param allowedSources the addresses that may call; with {@code callboard.trial} also those of loopback
     * @param sources the same as written in the settings, for messages
     * @param tokens the tokens of which the callback URL must carry one; empty if it needs none
     */
    public record Provider(
            List<AddressRange> allowedSources, List<String> sources, List<String> tokens, Lookups lookups) {
        /** Shows no token. */
        @Override
        public String toString() {
            return "Provider[sources=" + sources + ", tokens=" + tokens.size() + "]";
        }
    }

    /**
     * How the tasks of a provider are looked up at its API, and when.
     *
     * @param apiUrl where the API is; read by the route that asks it
     * @param apiId the account, if the API needs one; a secret
     * @param apiKey a secret; empty if tasks are not looked up
     * @param batch how many tasks a request asks for at most
     * @param perSecond how many requests are sent in a second at most
     * @param after after what silence a task is looked up for the first time
     * @param giveUpAfter for how long a task is looked up
     * @param overdueAfter after what time in progress a task is overdue, unless its announcement has another
     */
    public record Lookups(
            Optional<URI> apiUrl,
            Optional<String> apiId,
            Optional<String> apiKey,
            int batch,
            int perSecond,
            Duration after,
            Duration giveUpAfter,
            Duration overdueAfter) {
        /** Shows no key. */
        @Override
        public String toString() {
            return "Lookups[key=" + apiKey.isPresent() + "]";
        }
    }

    /** How to reach the database. */
    public record Database(String url, String user, String password) {
        /**
         * H2 in a file of the working directory, with PostgreSQL's SQL and lower-case names. H2 must not close itself on
         * SIGTERM, since callbacks in flight are still recorded then.
         */
        public static final String DEFAULT_URL = "jdbc:h2:file:./data/callboard;MODE=PostgreSQL;DATABASE_TO_LOWER=TRUE";

        /** Shows neither the password nor the URL, which can contain one. */
        @Override
        public String toString() {
            return "Database[user=" + user + "]";
        }
    }

    /**
     * The recipients of alerts, and the times of their mails.
     *
     * @param to the recipients unless a provider or a kind has others; not parsed
     * @param from the sender; not parsed
     * @param toByProvider recipients by the name of a provider, where set
     * @param toByKind recipients by the code of an alert kind, where set
     * @param interval the minimum interval between two mails about the same provider and kind
     * @param timeZone the time zone of the times in mails
     * @param webhook the chat that the word {@link #WEBHOOK} among recipients stands for; empty if there is none
     */
    public record Alerts(
            String to,
            String from,
            Map<String, String> toByProvider,
            Map<String, String> toByKind,
            Duration interval,
            ZoneId timeZone,
            Optional<Webhook> webhook) {
        /** The word that stands for the chat in a list of recipients. */
        public static final String WEBHOOK = "webhook";

        /** The key of the URL of the chat. */
        public static final String WEBHOOK_URL = "callboard.alerts.webhook.url";

        /** The key of the format of messages to the chat. */
        public static final String WEBHOOK_FORMAT = "callboard.alerts.webhook.format";

        /** The syntax of a kind's code. */
        public static final String KIND = "[a-z][a-z0-9_]{0,19}";

        /** The key of the default recipients. */
        public static final String TO = "callboard.alerts.to";

        /** The key of the sender. */
        public static final String FROM = "callboard.alerts.from";

        /** The key of the recipients for a provider. */
        public static String keyOfProvider(String provider) {
            return "callboard.alerts.provider." + provider + ".to";
        }

        /** The key of the recipients for an alert kind. */
        public static String keyOfKind(String kind) {
            return "callboard.alerts.kind." + kind + ".to";
        }
    }

    /**
     * The webhook of a chat, or of a program, that alerts are posted to.
     *
     * @param url a secret, since whoever has it can post
     * @param format what is posted
     */
    public record Webhook(URI url, WebhookFormat format) {
        /** The host, which is all of the URL that may be shown. */
        public String host() {
            return url.getHost();
        }

        /** Shows no more of the URL than its host. */
        @Override
        public String toString() {
            return "Webhook[host=" + host() + ", format=" + format.code() + "]";
        }
    }

    /** What is posted to a webhook, by who receives it. */
    public enum WebhookFormat {
        /** An incoming webhook of Slack. */
        SLACK,
        /** A workflow of Microsoft Teams. */
        TEAMS,
        /** A webhook of a channel of Discord. */
        DISCORD,
        /** A topic of ntfy. */
        NTFY,
        /** A program that reads the JSON of the manual. */
        JSON;

        /** The value in the settings. */
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The mail server.
     *
     * @param host empty if mails become files
     * @param username empty if the server needs no login
     * @param directory where mails become files while there is no host
     * @param templates a folder with templates of the user
     */
    public record Mail(
            Optional<String> host,
            int port,
            MailSecurity security,
            Optional<String> username,
            String password,
            Path directory,
            Optional<Path> templates) {
        /** Shows no password. */
        @Override
        public String toString() {
            return "Mail[host=" + host + ", port=" + port + "]";
        }
    }

    /** How the connection to the mail server is encrypted. */
    public enum MailSecurity {
        /** The connection begins in plain text and must become encrypted (RFC 3207). */
        STARTTLS,
        /** The connection is encrypted from the start (RFC 8314). */
        TLS,
        /** The connection is never encrypted; allowed on loopback only. */
        NONE;

        /** The value in the settings. */
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * How the user's own systems are told of changes.
     *
     * @param url where the events are posted; a secret in part, since receivers put tokens into paths
     * @param secrets what requests are signed with, each {@code whsec_} and base64, the newest first; empty to sign none
     * @param giveUpAfter for how long an event is attempted
     * @param keep how long an event is kept after it was delivered
     */
    public record Events(
            EventsEnabled enabled, Optional<URI> url, List<String> secrets, Duration giveUpAfter, Duration keep) {
        /** Shows neither the URL nor a secret. */
        @Override
        public String toString() {
            return "Events[enabled=" + enabled + ", url=" + url.isPresent() + ", secrets=" + secrets.size() + "]";
        }
    }

    /** Whether changes become events. */
    public enum EventsEnabled {
        /** If somebody listens: a URL is set, or the route {@code on-task-change} is edited. */
        AUTO,
        TRUE,
        FALSE;

        /** The value in the settings. */
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The user's route files.
     *
     * @param pattern the files as written in the settings, for messages
     * @param include the same for Camel, which does not look into a folder that is a symbolic link
     * @param folder where the files and the providers' schemas are
     * @param files the pattern of the files' names
     * @param reload whether edits are taken while Callboard runs
     */
    public record Routes(String pattern, String include, Path folder, String files, boolean reload) {}

    /** The least severe lines that are logged, from the fewest lines to the most. */
    public enum LogLevel {
        ERROR,
        WARN,
        INFO,
        /** Also shows stack traces. */
        DEBUG;

        /** The value in the settings. */
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How a line of the log is written. */
    public enum LogFormat {
        /** Time, level and message. */
        TEXT,
        /** One JSON object a line, with time, level, logger and message. */
        JSON;

        /** The value in the settings. */
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Reads the settings of this process from the system properties, the environment and {@code application.properties}.
     *
     * @throws StartException if a key or a variable is unknown, or a value is not valid; the message names the key
     */
    public static Settings read() {
        return read(FILE, System.getenv(), System.getProperties());
    }

    /**
     * Reads settings from the given sources. A value comes from the first of these that has the key: a system property,
     * the environment variable of the key's name ({@code callboard.alerts.to} is {@code CALLBOARD_ALERTS_TO}), the file,
     * the default.
     *
     * @throws StartException if a key or a variable is unknown, or a value is not valid; the message names the key
     */
    public static Settings read(Path file, Map<String, String> environment, Properties systemProperties) {
        return new SettingsReader(file, environment, systemProperties).read();
    }

    /** The names of all providers, in alphabetical order. */
    public Set<String> providerNames() {
        return providers.keySet();
    }

    /** Shows no value. */
    @Override
    public String toString() {
        return "Settings[providers=" + providerNames() + "]";
    }
}
