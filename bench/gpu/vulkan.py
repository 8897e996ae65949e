# Names and kinds of the adapters that Vulkan's loader finds, as one line of JSON; [] with a reason on stderr where
# there are none.
import ctypes
import json
import sys


def main():
    vk = ctypes.CDLL("libvulkan.so.1")
    app = (ctypes.c_uint32 * 12)()  # VkApplicationInfo, zeros but for its type and version 1.1
    info = ctypes.create_string_buffer(64)  # VkInstanceCreateInfo
    ctypes.memset(info, 0, 64)
    ctypes.cast(info, ctypes.POINTER(ctypes.c_uint32))[0] = 1
    ctypes.cast(app, ctypes.POINTER(ctypes.c_uint32))[0] = 0
    ctypes.cast(app, ctypes.POINTER(ctypes.c_uint32))[11] = (1 << 22) | (1 << 12)
    ctypes.cast(info, ctypes.POINTER(ctypes.c_uint64))[3] = ctypes.addressof(app)
    instance = ctypes.c_void_p()
    result = vk.vkCreateInstance(info, None, ctypes.byref(instance))
    if result != 0:
        print(f"vkCreateInstance: {result}", file=sys.stderr)
        return []
    count = ctypes.c_uint32()
    vk.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    devices = (ctypes.c_void_p * max(1, count.value))()
    vk.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
    found = []
    for device in devices[: count.value]:
        properties = ctypes.create_string_buffer(4096)
        vk.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), properties)
        version, driver, _, _, kind = ctypes.cast(properties, ctypes.POINTER(ctypes.c_uint32))[:5]
        found.append(
            {
                "name": properties.raw[20:276].split(b"\0")[0].decode(),
                "kind": ["other", "integrated", "discrete", "virtual", "cpu"][kind],
                "vulkan": f"{version >> 22}.{version >> 12 & 1023}.{version & 4095}",
                "driver": driver,
            }
        )
    return found


try:
    print(json.dumps(main()))
except OSError as error:
    print(error, file=sys.stderr)
    print("[]")
