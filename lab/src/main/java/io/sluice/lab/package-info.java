// SPDX-License-Identifier: Apache-2.0
/**
 * Nodes, pods, an outside client and a router as network namespaces on one machine, for the demo
 * and for tests that want real packets. {@link io.sluice.lab.Lab} is the way in.
 */
package io.sluice.lab;
