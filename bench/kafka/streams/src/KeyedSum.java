import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Keyed sums in Kafka Streams: an aggregation over a store in memory with a changelog, cached, committed every half a second.
 *
 * <p>The task comes in the environment and the answer leaves as one line of JSON, as bench/kafka/task.py says. One stream
 * thread; the threads of the producer, the consumer, the compiler and the collector count as CPU of the process.
 */
public final class KeyedSum {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    /** One event; all of its fields are read, though the sums need four. */
    public record Timesheet(
            String event_id,
            String engagement_id,
            String consultant_id,
            String task,
            String work_date,
            int minutes,
            int rate_cents,
            String currency,
            boolean billable,
            String status,
            long ts,
            int rev) {}

    /** What the events of a key come to. */
    public record Sums(long n, long minutes, long amount, long billable) {
        Sums plus(Timesheet event) {
            long more = (long) event.minutes() * event.rate_cents();
            return new Sums(n + 1, minutes + event.minutes(), amount + more, billable + (event.billable() ? more : 0));
        }
    }

    private static int seen; // of the one stream thread
    private static long begunNanos;
    private static long begunCpuNanos;

    private KeyedSum() {}

    public static void main(String[] arguments) throws Exception {
        int events = Integer.parseInt(given("EVENTS"));
        CountDownLatch finished = new CountDownLatch(1);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(given("TOPIC"), Consumed.with(Serdes.String(), json(Timesheet.class)))
                .groupByKey(Grouped.with(Serdes.String(), json(Timesheet.class)))
                .aggregate(
                        () -> new Sums(0, 0, 0, 0),
                        (key, event, sums) -> {
                            count(events, finished);
                            return sums.plus(event);
                        },
                        Materialized.<String, Sums>as(Stores.inMemoryKeyValueStore("sums"))
                                .withKeySerde(Serdes.String())
                                .withValueSerde(json(Sums.class))
                                .withCachingEnabled())
                .toStream()
                .to(given("OUTPUT"), Produced.with(Serdes.String(), json(Sums.class)));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings());
        streams.start();
        finished.await();
        streams.close(); // delivers what is in the cache and commits
        answer();
    }

    private static Properties settings() {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given("NAME"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given("BOOTSTRAP"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, given("FOLDER"));
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 500);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L * 1024 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 2000);
        return settings;
    }

    private static void count(int events, CountDownLatch finished) {
        if (seen == 0) {
            begunNanos = System.nanoTime();
            begunCpuNanos = SYSTEM.getProcessCpuTime();
        }
        seen++;
        if (seen == events) {
            finished.countDown();
        }
    }

    private static void answer() throws IOException {
        double seconds = (System.nanoTime() - begunNanos) / 1e9;
        double cpu = (SYSTEM.getProcessCpuTime() - begunCpuNanos) / 1e9;
        String form = "{\"events\": %d, \"seconds\": %.6f, \"cpu\": %.6f, \"memory\": %d}%n";
        System.out.printf(Locale.ROOT, form, seen, seconds, cpu, peakMemory());
    }

    private static long peakMemory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        throw new IOException("/proc/self/status has no VmHWM; run the benchmark on Linux");
    }

    private static String given(String name) {
        String value = System.getenv("BENCH_" + name);
        if (value == null) {
            throw new IllegalStateException("BENCH_" + name + " is not set; run this by bench.kafka.sums");
        }
        return value;
    }

    private static <T> Serde<T> json(Class<T> shape) {
        Serializer<T> write = (topic, value) -> {
            try {
                return value == null ? null : JSON.writeValueAsBytes(value);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
        Deserializer<T> read = (topic, bytes) -> {
            try {
                return bytes == null ? null : JSON.readValue(bytes, shape);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
        return Serdes.serdeFrom(write, read);
    }
}
