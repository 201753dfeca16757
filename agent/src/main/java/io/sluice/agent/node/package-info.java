// SPDX-License-Identifier: Apache-2.0
/** A node's agent: how it starts and stops, what it tells of itself, and how it is uninstalled. */
package io.sluice.agent.node;
