// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import io.sluice.config.settings.ClusterKeys;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The settings of the actor system that talks to other nodes. */
public final class ClusterConfig {
  /** The name of that actor system, the same on all nodes. */
  static final String SYSTEM = "sluice-cluster";

  /** A role of each member that says which node it is. */
  static final String NODE_ROLE = "node.";

  private ClusterConfig() {}

  /**
   * @param keys what the agent's file says
   * @param nodeName this node
   * @param state where what nodes share is kept
   */
  public static Config of(ClusterKeys keys, String nodeName, Config state) {
    Map<String, Object> own = new HashMap<>();
    own.put("akka.remote.artery.canonical.hostname", bracketed(keys.host()));
    own.put("akka.remote.artery.canonical.port", keys.port());
    own.put("akka.cluster.roles", List.of(NODE_ROLE + nodeName));
    own.put("akka.discovery.kubernetes-api.use-raw-ip", "on");
    keys.tls()
        .ifPresent(
            tls -> {
              String engine = "akka.remote.artery.ssl.rotating-keys-engine.";
              own.put("akka.remote.artery.transport", "tls-tcp");
              own.put(
                  "akka.remote.artery.ssl.ssl-engine-provider",
                  "akka.remote.artery.tcp.ssl.RotatingKeysSSLEngineProvider");
              own.put(engine + "cert-file", tls.certificate().toAbsolutePath().toString());
              own.put(engine + "key-file", tls.key().toAbsolutePath().toString());
              own.put(engine + "ca-cert-file", tls.ca().toAbsolutePath().toString());
            });
    Config config = ConfigFactory.empty();
    for (Map.Entry<String, Object> entry : own.entrySet()) {
      config = config.withValue(entry.getKey(), ConfigValueFactory.fromAnyRef(entry.getValue()));
    }
    return config
        .withFallback(state)
        .withFallback(ConfigFactory.parseResources(ClusterConfig.class, "/cluster.conf"))
        .withFallback(ConfigFactory.load());
  }

  /** As an address is written where a port follows. */
  static String bracketed(String host) {
    return host.indexOf(':') < 0 ? host : "[" + host + "]";
  }
}
