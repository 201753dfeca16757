// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.sluice.actors.NodeGuardian;
import io.sluice.actors.host.HostLedger;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.NetlinkHostNet;
import io.sluice.actors.host.ProcSysctls;
import io.sluice.actors.tables.LibNftables;
import io.sluice.cluster.management.ManagementException;
import io.sluice.cluster.management.ManagementServer;
import io.sluice.cluster.membership.ClusterException;
import io.sluice.cluster.membership.ClusterMetrics;
import io.sluice.cluster.membership.ClusterNode;
import io.sluice.cluster.resources.ClusterSource;
import io.sluice.cluster.resources.FileResources;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.cluster.resources.SharedResources;
import io.sluice.cluster.resources.StoreMetrics;
import io.sluice.cluster.tables.SharedTables;
import io.sluice.config.settings.AgentConfig;
import io.sluice.config.settings.AgentKeys;
import io.sluice.config.settings.ClusterKeys;
import io.sluice.config.settings.Settings;
import io.sluice.config.source.FileSource;
import io.sluice.config.source.Snapshot;
import io.sluice.config.source.Source;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.sys.Privileges;
import io.sluice.persistence.JournalException;
import io.sluice.persistence.LocalJournal;
import io.sluice.persistence.SharedState;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's agent, from preflight to stop. {@link #start} returns when the actors are at work;
 * {@link #close} stops them and leaves the dataplane as it is, forwarding (AG-1).
 */
public final class Agent implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Agent.class);

  private static final String NAME = "sluice";
  private static final long FIRST_VIEW_SECONDS = 5;
  private static final long LISTEN_SECONDS = 20;
  private static final long STOP_SECONDS = 10;

  /** policies_in and policies_out have as many elements, of which 0 is reserved. */
  private static final int POLICY_SLOTS = 16_384;

  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private ActorSystem<NodeGuardian.Command> system;
  private boolean closed;

  private Agent() {}

  /**
   * Starts an agent in the calling process's network namespace.
   *
   * @throws NodeException if it cannot run here; nothing is left half done
   */
  public static Agent start(AgentConfig config) throws InterruptedException {
    Agent agent = new Agent();
    try {
      agent.open(config);
      return agent;
    } catch (KernelException | JournalException | ClusterException | ManagementException e) {
      agent.close();
      throw new NodeException(e.getMessage(), e);
    } catch (RuntimeException | InterruptedException e) {
      agent.close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T keep(T resource) {
    opened.push(resource);
    return resource;
  }

  private void open(AgentConfig config) throws InterruptedException {
    AgentKeys keys = config.keys();
    Privileges.complaint()
        .ifPresent(
            complaint -> {
              throw new NodeException(complaint);
            });
    config.problems().forEach(problem -> LOG.warn("{}", problem));
    DataDir data = new DataDir(keys.dataDir());
    keep(data.take());
    data.ensureBpffs(keys.bpffs());
    LocalJournal.Opened journal = LocalJournal.open(keys.dataDir());
    Feed feed = new Feed();
    Source source = keep(source(keys, data));
    source.start(feed);
    Snapshot first = feed.first(FIRST_VIEW_SECONDS);
    Settings settings = config.settings(first.resources());
    DataplaneLoader dataplane = keep(DataplaneLoader.open(Options.of(keys.bpffs(), settings)));
    dataplane.notes().forEach(note -> LOG.warn("{}", note));
    HostLedger ledger = keep(HostLedger.open(keys.dataDir()));
    NetlinkHostNet net = keep(NetlinkHostNet.open());
    ProcSysctls sysctls = new ProcSysctls();
    NodeGuardian.Node node =
        new NodeGuardian.Node(
            keys.nodeName(),
            snapshot -> config.settings(snapshot.resources()),
            settings,
            dataplane,
            POLICY_SLOTS,
            net,
            new HostSettings(net, sysctls, ledger),
            sysctls,
            LibNftables.here());
    system = ActorSystem.create(NodeGuardian.create(node), NAME, akka(keys, journal));
    SharedResources shared =
        new SharedResources(
            keys.nodeName(),
            followed(source),
            feed::latest,
            system.dispatchers().lookup(DispatcherSelector.blocking()));
    ClusterNode cluster =
        keep(
            new ClusterNode(
                keys.cluster(),
                keys.nodeName(),
                sharedState(keys),
                List.of(
                    shared,
                    new SharedTables(
                        keys.nodeName(),
                        f -> system.tell(new NodeGuardian.SharedTablesChanged(f))))));
    cluster.start();
    ResourceApi resources =
        keys.sourcePath()
            .<ResourceApi>map(folder -> new FileResources(folder, feed::latest))
            .orElse(shared);
    serve(
        keys,
        new NodeMetrics(system, dataplane),
        new LiveNodeView(
            system, keys, dataplane, cluster, resources, feed::latest, Options.dsr(settings)),
        cluster,
        followed(source));
    system.tell(new NodeGuardian.Begin());
    feed.to(snapshot -> system.tell(new NodeGuardian.SourceChanged(snapshot)));
    LOG.info(
        "node {}: {}://{}:{}, resources of {}",
        keys.nodeName(),
        keys.management().tls().isPresent() ? "https" : "http",
        keys.management().host(),
        keys.management().port(),
        keys.sourcePath().map(Object::toString).orElse("the cluster"));
  }

  /** What nodes share, and what the others are told of this one. */
  private static Config sharedState(AgentKeys keys) {
    return ConfigFactory.parseMap(Map.of("akka.cluster.app-version", Build.VERSION))
        .withFallback(
            SharedState.config(keys.dataDir(), keys.cluster().quorum(), store(keys.cluster())));
  }

  private static SharedState.Store store(ClusterKeys keys) {
    ClusterKeys.Store store = keys.store();
    return switch (store.type()) {
      case REPLICATED -> new SharedState.Store.Replicated();
      case POSTGRESQL ->
          new SharedState.Store.Postgresql(store.url(), store.user(), store.passwordFile());
    };
  }

  private static Source source(AgentKeys keys, DataDir data) {
    if (keys.sourceType() == AgentKeys.SourceType.CLUSTER) {
      return new ClusterSource(keys.dataDir());
    }
    return new FileSource(
        keys.sourcePath().orElseThrow(),
        FileSource.Options.DEFAULT
            .withLastGood(data.lastGood())
            .withRecursive(keys.sourceRecursive()));
  }

  private static Optional<ClusterSource> followed(Source source) {
    return source instanceof ClusterSource follows ? Optional.of(follows) : Optional.empty();
  }

  private static Config akka(AgentKeys keys, LocalJournal.Opened journal) {
    return ManagementServer.config(keys.management().host(), keys.management().port())
        .withFallback(journal.config())
        .withFallback(ConfigFactory.parseResources(Agent.class, "/agent.conf"))
        .withFallback(ConfigFactory.load());
  }

  private void serve(
      AgentKeys keys,
      NodeMetrics metrics,
      LiveNodeView view,
      ClusterNode cluster,
      Optional<ClusterSource> follows)
      throws InterruptedException {
    PrometheusRegistry registry = new PrometheusRegistry();
    metrics.register(registry);
    registry.register(new ClusterMetrics(cluster));
    follows.ifPresent(source -> registry.register(new StoreMetrics(source)));
    try {
      ManagementServer.start(system, keys.management(), view, registry, cluster::system)
          .toCompletableFuture()
          .orTimeout(LISTEN_SECONDS, TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      throw new NodeException(
          "cannot serve HTTP on %s:%d (management.host, management.port): %s"
              .formatted(keys.management().host(), keys.management().port(), cause(e)),
          e);
    }
  }

  private static String cause(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  /** Waits until the actors have ended, asked or by themselves. */
  public void await() throws InterruptedException {
    try {
      system.getWhenTerminated().toCompletableFuture().join();
    } catch (CompletionException e) {
      LOG.error("the actors have ended: {}", cause(e));
    }
  }

  /** Stops; what is attached goes on. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (system != null) {
      LOG.info("stopping; what is attached goes on forwarding");
    }
    stopActors();
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        LOG.warn("stopping: {}", e.getMessage());
      }
    }
  }

  private void stopActors() {
    if (system == null) {
      return;
    }
    try {
      CoordinatedShutdown.get(system)
          .runAll(CoordinatedShutdown.actorSystemTerminateReason())
          .toCompletableFuture()
          .get(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      LOG.warn("the actors have not stopped in {} s: ending without them", STOP_SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException e) {
      LOG.warn("stopping the actors: {}", cause(e));
    }
  }
}
